// bundle.mjs -- the dashboard in one language: what every page loads at once, and the parts that
// are loaded when they are asked for.
//
//     node bundle.mjs DIR LANG BOUND
//
// Writes into DIR dashboard.LANG.js and the parts that it imports (part.HASH.js, by their bytes);
// into DIR/dashboard.LANG.list the names of all of them, a line each; into DIR/dashboard.LANG.d
// what it was made from, for ninja. Fails if what is loaded at once is over BOUND bytes (gzip).
//
// What is loaded at once is one file, since gzip finds more in one than in several, and a browser
// asks once: a part may rely on all of it.
//
// The words stand in web/dashboard/*.json with all languages side by side, at any depth:
// {"key": {"en": "...", "de": "..."}}. The modules "catalogue" and "catalogue/..." are some of them
// in one language (CATALOGUES). A text that a language lacks fails.
import { build } from 'esbuild';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const LANGUAGES = ['de', 'en'];
const CATALOGUES = {
  catalogue: { files: ['words.json', 'metrics.json'], without: ['explain', 'formula'] },
  'catalogue/meanings': { files: ['metrics.json'], without: ['label', 'plural'] },
  'catalogue/more': { files: ['more.json'], without: [] },
  'catalogue/manage': { files: ['manage.json', 'settings.json'], without: [] },
};
const SOURCES = fileURLToPath(new URL('../web/dashboard', import.meta.url));

/** An object whose members are languages is the text of one of them. */
function pick(value, language, without, path) {
  if (typeof value !== 'object' || value === null) return value;
  const names = Object.keys(value);
  if (!names.some((name) => LANGUAGES.includes(name)))
    return Object.fromEntries(
      names
        .filter((name) => !without.includes(name))
        .map((name) => [name, pick(value[name], language, without, `${path}.${name}`)]),
    );
  if (names.length !== LANGUAGES.length || LANGUAGES.some((name) => !value[name]))
    throw new Error(`${path}: wants a text in each of ${LANGUAGES.join(', ')}, and nothing else`);
  return value[language];
}

/** Of files that share no key. */
export function readCatalogue(name, language) {
  const all = {};
  const { files, without } = CATALOGUES[name];
  for (const file of files)
    for (const [key, value] of Object.entries(JSON.parse(readFileSync(join(SOURCES, file))))) {
      if (key in all) throw new Error(`${file}: ${key} stands in two files`);
      all[key] = pick(value, language, without, `${file}: ${key}`);
    }
  return all;
}

export const catalogues = (language) => ({
  name: 'catalogues',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^catalogue/ }, ({ path }) => ({ path, namespace: 'catalogue' }));
    onLoad({ filter: /.*/, namespace: 'catalogue' }, ({ path }) => ({
      contents: JSON.stringify(readCatalogue(path, language)),
      loader: 'json',
      watchFiles: CATALOGUES[path].files.map((file) => join(SOURCES, file)),
    }));
  },
});

/** Every part imports the entry, too: what the entry needs is then needed by all, and esbuild keeps
 *  together what the same ones need. */
const together = (entry) => ({
  name: 'together',
  setup({ onResolve, onLoad, resolve }) {
    onResolve({ filter: /^\./ }, async ({ path, kind, importer, resolveDir }) => {
      if (kind !== 'dynamic-import') return undefined;
      const found = await resolve(path, { kind: 'import-statement', importer, resolveDir });
      return found.errors.length > 0 ? found : { path: found.path, namespace: 'part' };
    });
    onLoad({ filter: /.*/, namespace: 'part' }, ({ path }) => ({
      contents: `import ${JSON.stringify(entry)};\nexport * from ${JSON.stringify(path)};`,
      resolveDir: SOURCES,
    }));
  },
});

/** The outputs that are loaded with this one. */
function loadedWith(outputs, path, found = new Set()) {
  if (found.has(path)) return found;
  found.add(path);
  for (const { path: next, kind } of outputs[path].imports)
    if (kind === 'import-statement') loadedWith(outputs, next, found);
  return found;
}

async function main([dir, language, bound]) {
  if (!LANGUAGES.includes(language) || !(Number(bound) > 0))
    throw new Error('usage: bundle.mjs DIR LANG BOUND');
  const name = `dashboard.${language}`;
  mkdirSync(dir, { recursive: true });
  try {
    for (const old of readFileSync(join(dir, `${name}.list`), 'utf8')
      .split('\n')
      .filter(Boolean))
      rmSync(join(dir, old), { force: true });
  } catch {
    // The first time there is none.
  }
  const entryPoint = join(SOURCES, 'main.tsx');
  const { metafile } = await build({
    entryPoints: { [name]: entryPoint },
    outdir: dir,
    bundle: true,
    splitting: true,
    minify: true,
    format: 'esm',
    target: 'es2020',
    chunkNames: 'part.[hash]',
    legalComments: 'none',
    logLevel: 'warning',
    metafile: true,
    plugins: [together(entryPoint), catalogues(language)],
  });
  const outputs = Object.keys(metafile.outputs);
  const entry = outputs.find((path) => basename(path) === `${name}.js`);
  const bytes = (paths) =>
    paths.reduce((sum, path) => sum + gzipSync(readFileSync(path), { level: 9 }).length, 0);
  const first = [...loadedWith(metafile.outputs, entry)];
  const gzip = bytes(first);
  console.log(
    `${name}.js: ${first.length} files at once, gzip ${gzip} of ${bound}; ` +
      `${outputs.length - first.length} parts later, gzip ${bytes(outputs) - gzip}`,
  );
  if (gzip > Number(bound)) throw new Error(`${name}.js is over its bound`);
  writeFileSync(join(dir, `${name}.list`), outputs.map((path) => `${basename(path)}\n`).join(''));
  const from = [
    ...Object.keys(metafile.inputs).filter((path) => !/^(catalogue|part):/.test(path)),
    ...[...new Set(Object.values(CATALOGUES).flatMap(({ files }) => files))].map((file) =>
      relative('.', join(SOURCES, file)),
    ),
  ];
  const list = relative('.', join(dir, `${name}.list`));
  const sources = from.map((path) => path.replaceAll(' ', '\\ ')).join(' ');
  writeFileSync(join(dir, `${name}.d`), `${list}: ${sources}\n`);
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  main(process.argv.slice(2)).catch((error) => {
    process.stderr.write(`bundle: ${error.message}\n`);
    process.exit(1);
  });

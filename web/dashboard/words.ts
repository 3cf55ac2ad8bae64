/*
 * words.ts -- all words of the dashboard, from one catalogue: the files beside this one.
 *
 * A text may have places, {n}, and two forms for one and several of it: "1 visit | {n} visits".
 */
import catalogue from 'catalogue';

type Texts = Omit<typeof catalogue, 'metrics' | 'dimensions'>;
type MoreTexts = typeof import('catalogue/more').default;
type ManageTexts = Omit<typeof import('catalogue/manage').default, 'settings' | 'settingGroups'>;

/** Those of more.json and manage.json are known where more.ts or manage/words.ts is imported. */
export type Word = keyof Texts | keyof MoreTexts | keyof ManageTexts;
export type Metric = keyof typeof catalogue.metrics;
export type Dimension = keyof typeof catalogue.dimensions;

export const lang = document.documentElement.lang || 'en';

const texts: Record<string, unknown> = { ...catalogue };
export const learn = (more: object) => void Object.assign(texts, more);

const plurals = new Intl.PluralRules(lang);

/** `n` chooses the form, or `count` where `n` is written some other way. */
export function say(
    word: Word,
    values: Record<string, string | number> = {},
    count?: number,
): string {
    const forms = String(texts[word]).split(' | ');
    const many = forms.length > 1 && plurals.select(count ?? Number(values.n)) !== 'one';
    return forms[many ? 1 : 0]!.replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ''));
}

/** A word that is found by a name at run time; the name itself where there is none. */
export function called(name: string): string {
    return typeof texts[name] === 'string' ? say(name as Word) : name;
}

export const metricOf = (name: Metric) => ({ name, ...catalogue.metrics[name] });

/** "prop:NAME" is a property of that name. Nothing where there is no such dimension. */
export function dimensionOf(name: string): { name: string; label: string; plural: string } {
    const label = name.slice('prop:'.length);
    if (name.startsWith('prop:')) return { name, label, plural: label };
    return { name, ...catalogue.dimensions[name as Dimension] };
}

export const isDimension = (name: string) =>
    name.startsWith('prop:') || name in catalogue.dimensions;

/*
 * account.ts -- /admin/sign-in and /admin/accept: signing in and out, and what people change about
 * how they sign in. Whoever has signed in is led to the page that ?next= names, else to the sites.
 *
 * All words stand in the pages; this script only chooses among them. It keeps nothing: the session
 * is a cookie that no script can read, and the secret of a link leaves the address bar before
 * anything else is done.
 */

interface Answer {
    status: number; /* 0: there was none */
    body: Record<string, unknown>;
    wait: string;
}

/* A module: its names are its own. */
export {};

interface Membership {
    tenantId: string;
    role: string;
    sites?: string[];
}

interface Person {
    id: string; /* the address */
    name: string;
    admin: boolean;
    memberships: Membership[];
    totp: boolean;
}

type Values = Record<string, string>;

const all = (selector: string, within: ParentNode = document) =>
    within.querySelectorAll<HTMLElement>(selector);
const one = (selector: string, within?: ParentNode) => all(selector, within)[0];

async function ask(method: string, path: string, body?: Values): Promise<Answer> {
    try {
        const response = await fetch('/api/session' + path, {
            method,
            body: body && JSON.stringify(body),
            headers: body && { 'Content-Type': 'application/json' },
        });
        const wait = response.headers.get('Retry-After') || '1';
        return { status: response.status, body: await response.json().catch(() => ({})), wait };
    } catch {
        return { status: 0, body: {}, wait: '' };
    }
}

/* -- where to go ------------------------------------------------------------------------------- */

const HOME = '/admin/sites';

/* A page of the dashboard, written as the browser itself writes it: what it would read in another
 * way, as \ or a tab, is none. */
function next(): string {
    const given = new URLSearchParams(location.search).get('next') ?? '';
    try {
        const { origin, pathname, search, hash } = new URL(given, location.origin);
        const ours = origin === location.origin && pathname.startsWith('/admin/');
        const plain = !pathname.includes('//') && given === pathname + search + hash;
        return ours && plain ? given : HOME;
    } catch {
        return HOME;
    }
}

/* -- what is shown ----------------------------------------------------------------------------- */

function show(name: string): void {
    for (const view of all('[data-view]')) view.hidden = view.dataset.view !== name;
    const heading = one(`[data-view=${name}] h1[tabindex]`);
    (heading ?? one(`[data-view=${name}] input:not([readonly])`))?.focus();
}

function reveal(selector: string, shown: boolean): void {
    for (const element of all(selector)) element.hidden = !shown;
}

/* Nothing is said where there are no words for it. */
function say(place: HTMLElement | undefined, words = '', number = ''): void {
    const template = one(`template[data-say='${words}']`) as HTMLTemplateElement | undefined;
    place?.replaceChildren();
    if (!template) return;
    const text = document.importNode(template.content, true);
    for (const gap of all('[data-n]', text)) gap.textContent = number;
    place?.append(text);
}

const word = (name: string) =>
    (one(`template[data-word=${name}]`) as HTMLTemplateElement).content.textContent ?? '';

function askForCode(form: HTMLElement): void {
    const code = one('[data-code] input', form) as HTMLInputElement;
    one('[data-code]', form)!.hidden = false;
    code.disabled = false;
    code.required = true;
    code.focus();
}

/* -- forms: each gives the words to be said, or nothing when it is done ------------------------ */

/* What holds for all of them. */
function trouble({ status, body }: Answer): string {
    if (status === 429) return 'wait';
    if (status === 400 && (body.field === 'email' || body.field === 'password'))
        return String(body.field);
    return status === 401 ? 'ended' : 'failed';
}

/* What a link refuses is a password, unless it says that it is the address. */
const wrongField = ({ body }: Answer) => (body.field === 'email' ? 'email' : 'password');

const done = ({ status }: Answer) => status >= 200 && status < 300;

/* In what the second factor lacks: a code, or a right one. */
function lacksCode(answer: Answer, form: HTMLElement): string {
    if (answer.body.code !== true) return 'wrong';
    askForCode(form);
    return 'code';
}

type Outcome = [words: string, answer?: Answer];

const forms: Record<string, (values: Values, form: HTMLFormElement) => Promise<Outcome>> = {
    async 'sign-in'(values, form) {
        const answer = await ask('POST', '', values);
        if (done(answer)) return location.replace(next()), [''];
        return [answer.status === 401 ? lacksCode(answer, form) : trouble(answer), answer];
    },

    async forgot(values) {
        const answer = await ask('POST', '/reset', values);
        if (!done(answer)) return [trouble(answer), answer];
        show('sent');
        return [''];
    },

    async 'sign-out'() {
        const answer = await ask('DELETE', '');
        if (!done(answer) && answer.status !== 401) return [trouble(answer), answer];
        location.replace(location.pathname + location.search);
        return [''];
    },

    async password({ current, password }) {
        const answer = await ask('PUT', '/password', { current: current!, password: password! });
        if (!done(answer)) return [refused(answer), answer];
        return settled('changed');
    },

    async 'totp-begin'(_, form) {
        const answer = await ask('POST', '/totp', {});
        if (!done(answer)) return [trouble(answer), answer];
        const next = one('[data-form=totp-on]')!;
        const secret = String(answer.body.secret);
        const link = one('[data-uri]', next) as HTMLAnchorElement;
        one('[data-secret]', next)!.textContent = secret.replace(/.{4}(?=.)/g, '$& ');
        link.textContent = link.href = String(answer.body.uri);
        form.hidden = true;
        next.hidden = false;
        one('input:not([hidden])', next)!.focus();
        return [''];
    },

    async 'totp-on'({ password, code }, form) {
        const secret = one('[data-secret]', form)!.textContent!.replace(/ /g, '');
        const body = { password: password!, secret, code: code! };
        const answer = await ask('PUT', '/totp', body);
        if (!done(answer))
            return [answer.body.field === 'code' ? 'app-code' : refused(answer), answer];
        one('[data-form=totp-begin]')!.hidden = false;
        form.hidden = true;
        one('[data-secret]', form)!.textContent = '';
        return settled('on');
    },

    async 'totp-off'({ password }) {
        const answer = await ask('DELETE', '/totp', { password: password! });
        return done(answer) ? settled('off') : [refused(answer), answer];
    },

    async accept(values, form) {
        const answer = await ask('POST', '/accept', { ...values, secret });
        if (done(answer)) return location.replace(HOME), [''];
        if (answer.status === 404) return show('used'), [''];
        if (answer.status === 401) return [lacksCode(answer, form), answer];
        return [answer.status === 400 ? wrongField(answer) : trouble(answer), answer];
    },
};

/* Of what asks for the password again. */
const refused = (answer: Answer) => (answer.status === 403 ? 'current' : trouble(answer));

async function settled(words: string): Promise<Outcome> {
    for (const details of all('details')) (details as HTMLDetailsElement).open = false;
    await start();
    say(one('[data-view=account] [role=status]'), words);
    return [''];
}

/* What a form holds, but for what is empty or not for the server. */
function valuesOf(form: HTMLFormElement): Values {
    const values: Values = {};
    for (const [name, value] of new FormData(form))
        if (value !== '' && name !== 'username') values[name] = String(value);
    return values;
}

/* One at a time: whoever clicks twice is asked once. */
async function submit(form: HTMLFormElement): Promise<void> {
    const button = one('button', form)!;
    if (button.ariaDisabled === 'true') return;
    button.ariaDisabled = 'true';
    say(one('[role=alert]', form));
    const [words, answer] = await forms[form.dataset.form!]!(valuesOf(form), form);
    button.ariaDisabled = 'false';
    say(one('[role=alert]', form), words, answer?.wait);
    if (words === '') form.reset();
}

/* -- /admin/sign-in ---------------------------------------------------------------------------- */

function reaches(admin: boolean, memberships: Membership[]): string[] {
    const lines = memberships.map(({ tenantId, role, sites }) => {
        const only = sites?.length ? `, ${word('sites')} ${sites.join(', ')}` : '';
        return `${tenantId}: ${word(role)}${only}`;
    });
    if (admin) lines.unshift(word('admin'));
    return lines.length > 0 ? lines : [word('nothing')];
}

function showAccount({ id, name, admin, memberships, totp }: Person): void {
    one('[data-who]')!.textContent = name ? `${name} (${id})` : id;
    for (const input of all('[data-email]')) (input as HTMLInputElement).defaultValue = id;
    one('[data-reach]')!.replaceChildren(
        ...reaches(admin, memberships).map((line) => {
            const item = document.createElement('li');
            item.textContent = line;
            return item;
        }),
    );
    reveal('[data-totp-on]', totp);
    reveal('[data-totp-off]', !totp);
    (one('[data-next]') as HTMLAnchorElement).href = next();
    show('account');
}

async function start(): Promise<void> {
    const answer = await ask('GET', '');
    if (done(answer)) return showAccount(answer.body.user as Person);
    show(location.hash === '#forgot' && one('[data-view=forgot]') ? 'forgot' : 'sign-in');
    if (answer.status !== 401) say(one('[data-form=sign-in] [role=alert]'), 'failed');
}

/* -- /admin/accept ----------------------------------------------------------------------------- */

let secret = '';
const NOTHING: Answer = { status: 404, body: {}, wait: '' };

/* Whose link it is, is not for the page to say; it is shown for password managers, too. */
function showLink({ kind, user, totp }: Answer['body']): void {
    const form = one('[data-form=accept]')!;
    const address = one('#email', form) as HTMLInputElement;
    for (const element of all('[data-kind]')) element.hidden = element.dataset.kind !== kind;
    address.readOnly = kind !== 'set-up';
    address.name = address.readOnly ? 'username' : 'email';
    address.defaultValue = String(user ?? '');
    one('[data-name]', form)!.hidden = kind === 'reset';
    show('accept');
    if (totp === true) askForCode(form);
    one('input:not([readonly])', form)!.focus();
}

async function lookAtLink(): Promise<void> {
    const given = location.hash.slice(1);
    if (given !== '') secret = given;
    history.replaceState(null, '', location.pathname + location.search);
    const answer = secret === '' ? NOTHING : await ask('POST', '/link', { secret });
    if (done(answer)) return showLink(answer.body);
    show(answer.status === 429 || answer.status === 0 || answer.status >= 500 ? 'later' : 'used');
    say(one('[data-view=later] [role=alert]'), trouble(answer), answer.wait);
}

/* ---------------------------------------------------------------------------------------------- */

const begin = document.body.dataset.page === 'accept' ? lookAtLink : start;

for (const form of all('form') as NodeListOf<HTMLFormElement>)
    form.addEventListener('submit', (event) => {
        event.preventDefault();
        void submit(form);
    });
/* The other language is the same page. */
for (const link of all('nav a') as NodeListOf<HTMLAnchorElement>) {
    const search = new URLSearchParams(location.search);
    search.set('lang', link.hreflang);
    link.search = String(search);
}
one('[data-again]')?.addEventListener('click', () => void begin());
/* Another link may be put into the address bar of this very page. */
addEventListener('hashchange', () => location.hash !== '' || begin === start ? void begin() : 0);
void begin();

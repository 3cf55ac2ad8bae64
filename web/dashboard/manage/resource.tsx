/*
 * manage/resource.tsx -- what people, tokens and links have in common: a list that goes on by a
 * cursor, a form over the page, and what is told only once.
 */
import { cloneElement, type ComponentChildren, type VNode } from 'preact';
import { useId, useState } from 'preact/hooks';
import { Copy } from '../copy';
import { forget, Problem, query, read, useAnswer } from '../api';
import { managesAny, usePerson } from '../frame';
import { Answered, Nothing } from '../ui';
import { say, type Word } from '../words';
import './words';

type Page<T> = Record<string, T[]> & { nextCursor: string | null };

/** The rows of /api/admin/NAME so far, and the way to more of them. */
export function useList<T>(name: string, values: Record<string, string>) {
    const [round, setRound] = useState(0);
    const [more, setMore] = useState<{ rows: T[]; cursor: string | null }>();
    const path = query(`admin/${name}`, values);
    const first = useAnswer<Page<T>>(path, round);
    const rows = [...((first.data?.[name] as T[] | undefined) ?? []), ...(more?.rows ?? [])];
    const cursor = more ? more.cursor : first.data?.nextCursor;
    const next = async () => {
        const page = await read<Page<T>>(query(`admin/${name}`, { ...values, cursor: cursor! }));
        setMore({
            rows: [...(more?.rows ?? []), ...(page[name] as T[])],
            cursor: page.nextCursor,
        });
    };
    const again = () => {
        forget('/api/admin/');
        setMore(undefined);
        setRound((count) => count + 1);
    };
    return { answer: first, rows, next: cursor ? next : undefined, again };
}

export function List<T>({
    list: { answer, rows, next },
    none,
    label,
    heads,
    children,
}: {
    list: ReturnType<typeof useList<T>>;
    none: Word;
    label: string;
    heads: string[];
    children: (row: T) => ComponentChildren;
}) {
    return (
        <Answered answer={answer}>
            {() =>
                rows.length === 0 ? (
                    <Nothing>
                        <p>{say(none)}</p>
                    </Nothing>
                ) : (
                    <>
                        <div class="table-scroll" tabIndex={0} role="group" aria-label={label}>
                            <table class="table texts">
                                <thead>
                                    <tr>
                                        {heads.map((head) => (
                                            <th scope="col" key={head}>
                                                {head}
                                            </th>
                                        ))}
                                    </tr>
                                </thead>
                                <tbody>{rows.map(children)}</tbody>
                            </table>
                        </div>
                        {next && <More next={next} />}
                    </>
                )
            }
        </Answered>
    );
}

/* Asked for once at a time; what a connection failed to bring can be asked for again. */
function More({ next }: { next: () => Promise<void> }) {
    const [busy, setBusy] = useState(false);
    const [problem, setProblem] = useState('');
    const ask = async () => {
        if (busy) return;
        setBusy(true);
        setProblem('');
        await next().catch((error: Problem) => setProblem(error.message));
        setBusy(false);
    };
    return (
        <p class="pager">
            <button type="button" aria-busy={busy} onClick={() => void ask()}>
                {say('moreRows')}
            </button>
            {problem && <span role="alert">{problem}</span>}
        </p>
    );
}

/** A secret that no answer tells again. */
export function Once({ word, text }: { word: Word; text: string }) {
    return (
        <div class="once" role="status">
            <p>{say(word)}</p>
            <div class="snippet">
                <pre tabIndex={0}>{text}</pre>
                <Copy text={text} />
            </div>
        </div>
    );
}

/** A button that asks once more before it does something that cannot be taken back. */
export function Sure({ word, onSure }: { word: Word; onSure: () => Promise<void> }) {
    const [asking, setAsking] = useState(false);
    const [problem, setProblem] = useState('');
    const act = async () => {
        if (!asking) return setAsking(true);
        setProblem('');
        try {
            await onSure();
        } catch (error) {
            setProblem((error as Problem).message);
        }
        setAsking(false);
    };
    return (
        <>
            <button
                type="button"
                class={asking ? 'danger' : undefined}
                /* The second half of a double click has not read the question. */
                onClick={({ detail }) => detail < 2 && void act()}
                onBlur={() => setAsking(false)}
            >
                {asking ? say('sure') : say(word)}
            </button>
            {problem && <span role="alert">{problem}</span>}
        </>
    );
}

/** A control with its label and, where there is more to say, a hint. */
export function Field({
    label,
    hint,
    children,
}: {
    label: string;
    hint?: string;
    children: VNode;
}) {
    const id = useId();
    return (
        <div class="field">
            <label>
                <span>{label}</span>
                {hint ? cloneElement(children, { 'aria-describedby': id }) : children}
            </label>
            {hint && (
                <small class="soft" id={id}>
                    {hint}
                </small>
            )}
        </div>
    );
}

/** The id of something new that nobody has to type. */
export const newId = () =>
    [...crypto.getRandomValues(new Uint8Array(8))]
        .map((byte) => byte.toString(16).padStart(2, '0'))
        .join('');

/** The actions of a row. */
export const Acts = ({ children }: { children: ComponentChildren }) => (
    <td>
        <div class="acts">{children}</div>
    </td>
);

/** The day in whose first moment (UTC) something ends; nothing where none was chosen. */
export const endOf = (form: HTMLFormElement) => {
    const day = textOf(form, 'expiresAt');
    return day ? { expiresAt: `${day}T00:00:00Z` } : {};
};

/** What only who manages something is shown; others learn why not. */
export function Managers({ children }: { children: ComponentChildren }) {
    const person = usePerson();
    if (!person) return null;
    if (managesAny(person)) return <>{children}</>;
    return (
        <section class="card">
            <Nothing>
                <p>{say('forManagers')}</p>
            </Nothing>
        </section>
    );
}

export const textOf = (form: HTMLFormElement, name: string) =>
    String(new FormData(form).get(name) ?? '').trim();

/** A form whose problem stands in it. */
export function Form({
    word,
    onSubmit,
    children,
}: {
    word: Word;
    onSubmit: (form: HTMLFormElement) => Promise<void>;
    children: ComponentChildren;
}) {
    const [problem, setProblem] = useState<Problem>();
    const [busy, setBusy] = useState(false);
    const submit = async (event: SubmitEvent) => {
        event.preventDefault();
        if (busy) return;
        const form = event.currentTarget as HTMLFormElement;
        setProblem(undefined);
        setBusy(true);
        try {
            await onSubmit(form);
        } catch (error) {
            setProblem(error as Problem);
            const field = (error as Problem).field;
            (form.elements.namedItem(field ?? '') as HTMLElement | null)?.focus?.();
        }
        setBusy(false);
    };
    return (
        <form class="fields" aria-busy={busy} onSubmit={submit}>
            {children}
            {problem && <p role="alert">{problem.message}</p>}
            <p>
                <button class="primary">{say(word)}</button>
            </p>
        </form>
    );
}

/** The tenants that the person manages. */
export const useTenants = () =>
    useList<{ id: string; name: string | null }>('tenants', { limit: '1000' }).rows;

/** One of them; or none of them, where `any` says what that means. */
export function TenantChoice({
    any,
    value,
    onChange,
}: {
    any?: string;
    value?: string;
    onChange?: (tenantId: string) => void;
}) {
    const tenants = useTenants();
    return (
        <select
            name="tenantId"
            required={!any}
            value={value}
            onChange={({ currentTarget }) => onChange?.(currentTarget.value)}
        >
            {any && <option value="">{any}</option>}
            {tenants.map(({ id, name }) => (
                <option key={id} value={id}>
                    {name || id}
                </option>
            ))}
        </select>
    );
}

/*
 * manage/setting.tsx -- one setting of a site: what it means, what holds and from where, and a
 * control to set it here.
 */
import { say } from '../words';
import { CONTROLS } from './controls';
import type { Changes, Name } from './draft';
import { settings } from './words';

type Source = 'site' | 'tenant' | 'installation' | 'default';

export interface Held {
    value: unknown;
    from: Source;
}

/** What can be done with it. */
export interface Doing {
    put: (name: Name, value: unknown) => void;
    undo: (name: Name) => void;
}

/* Where the value comes from, and the ways back. What every site has itself cannot be reset. */
function From({
    name,
    held,
    changed,
    doing,
}: {
    name: Name;
    held: Held;
    changed: boolean;
    doing: Doing;
}) {
    const link = (word: 'reset' | 'undo', act: () => void) => (
        <>
            {' · '}
            <button
                type="button"
                class="link"
                aria-label={`${say(word)}: ${settings[name].label}`}
                onClick={act}
            >
                {say(word)}
            </button>
        </>
    );
    return (
        <p class="soft from">
            <span class={held.from === 'site' ? 'own' : undefined}>{say(`from.${held.from}`)}</span>
            {held.from === 'site' &&
                !changed &&
                name !== 'domain' &&
                link('reset', () => doing.put(name, null))}
            {changed && link('undo', () => doing.undo(name))}
        </p>
    );
}

export function Setting({
    name,
    held,
    changes,
    error,
    doing,
}: {
    name: Name;
    held: Held;
    changes: Changes;
    error?: string;
    doing: Doing;
}) {
    const { label, explain, kind } = settings[name];
    const Control = CONTROLS[kind]!;
    const changed = name in changes;
    const reset = changed && changes[name] === null;
    const id = `setting-${name}`;
    return (
        <div
            class="setting"
            data-setting={name}
            data-kind={kind}
            data-changed={changed || undefined}
        >
            <div class="setting-words">
                <label for={id}>{label}</label>
                <p class="soft" id={`${id}-explain`}>
                    {explain}
                </p>
                <From name={name} held={held} changed={changed} doing={doing} />
            </div>
            <div class="setting-control">
                {reset ? (
                    <p class="soft">{say('resetOnSave')}</p>
                ) : (
                    <Control
                        id={id}
                        value={changed ? changes[name] : held.value}
                        onChange={(value) => doing.put(name, value)}
                        invalid={error !== undefined}
                        describedBy={error ? `${id}-error` : `${id}-explain`}
                    />
                )}
                {error && (
                    <p role="alert" id={`${id}-error`}>
                        {error}
                    </p>
                )}
            </div>
        </div>
    );
}

/* copy.tsx -- a button that gives a text to take along. */
import { useState } from 'preact/hooks';
import { say, type Word } from './words';

const SAID_MS = 2000;

/** Says when it is done. Without https a browser lends no clipboard: the text can be marked. */
export function Copy({
    text,
    word = 'copy',
    class: look,
}: {
    text: string;
    word?: Word;
    class?: string;
}) {
    const [copied, setCopied] = useState<boolean>();
    const copy = () =>
        Promise.resolve()
            .then(() => navigator.clipboard.writeText(text))
            .then(
                () => {
                    setCopied(true);
                    setTimeout(() => setCopied(undefined), SAID_MS);
                },
                () => setCopied(false),
            );
    return (
        <>
            <button type="button" class={look} aria-live="polite" onClick={() => void copy()}>
                {say(copied ? 'copied' : word)}
            </button>
            {copied === false && (
                <input
                    readonly
                    aria-label={say(word)}
                    value={text}
                    onFocus={({ currentTarget }) => currentTarget.select()}
                />
            )}
        </>
    );
}

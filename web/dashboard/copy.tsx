/* copy.tsx -- a text to take along. */
import './more';
import { useState } from 'preact/hooks';
import { say } from './words';

/** Says when it is done; where a browser lends no clipboard, the text is there to be marked. */
export function Copy({ text }: { text: string }) {
    const [done, setDone] = useState(false);
    const copy = async () => {
        await navigator.clipboard?.writeText(text);
        setDone(true);
        setTimeout(() => setDone(false), 2000);
    };
    return (
        <button type="button" onClick={() => void copy()}>
            <span role="status">{say(done ? 'copied' : 'copy')}</span>
        </button>
    );
}

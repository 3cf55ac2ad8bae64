/*
 * note.tsx -- what is noted of a day, for colleagues: sheet=note:2026-11-10.
 *
 * Whoever reads the site's numbers reads it; who manages the site writes it.
 */
import { useState } from 'preact/hooks';
import { forget, query, send, useAnswer, type Problem } from '../api';
import { today } from '../format';
import { manages, usePerson } from '../frame';
import type { Annotations, Echo } from '../types';
import { closeSheet, Sheet } from '../ui';
import { show } from '../view';
import { say } from '../words';
import { isDay } from './period';
import type { Question } from './question';

const TEXT_MAX = 80;
const HIDDEN = /[\u0000-\u001f\u007f]+/g; /* what is pasted may hold line ends */

/* The server counts characters, not their halves. */
const lengthOf = (text: string) => [...text].length;

function Form({ siteId, date, before }: { siteId: string; date: string; before: string }) {
    const [text, setText] = useState(before);
    const [wrong, setWrong] = useState('');
    const [busy, setBusy] = useState(false);
    const left = TEXT_MAX - lengthOf(text.trim());
    const change = async (method: 'PUT' | 'DELETE') => {
        setBusy(true);
        const body = method === 'PUT' ? { text: text.trim() } : undefined;
        try {
            await send(method, query('analytics/annotations', { siteId, date }), body);
            forget('annotations');
            closeSheet();
        } catch (error) {
            setWrong((error as Problem).message);
            setBusy(false);
        }
    };
    return (
        <form
            class="note"
            onSubmit={(event) => {
                event.preventDefault();
                if (text.trim() && left >= 0) void change('PUT');
            }}
        >
            <label>
                {say('noteText')}
                <input
                    value={text}
                    data-focus
                    required
                    autocomplete="off"
                    aria-describedby="note-left"
                    onInput={({ currentTarget: { value } }) => setText(value.replace(HIDDEN, ' '))}
                />
            </label>
            <p id="note-left" class={left < 0 ? 'bad' : 'soft'}>
                {say(left < 0 ? 'charactersOver' : 'charactersLeft', { n: Math.abs(left) })}
            </p>
            {wrong && <p role="alert">{wrong}</p>}
            <div class="actions">
                <button class="primary" disabled={busy || !text.trim() || left < 0}>
                    {say('save')}
                </button>
                {before && (
                    <button type="button" disabled={busy} onClick={() => void change('DELETE')}>
                        {say('remove')}
                    </button>
                )}
            </div>
        </form>
    );
}

export function NoteSheet({
    question: { siteId },
    echo,
    date,
}: {
    question: Question;
    echo?: Echo;
    date: string;
}) {
    const person = usePerson();
    const day = isDay(date) ? date : today(echo?.timezone);
    const { data, error, loading } = useAnswer<Annotations>(
        query('analytics/annotations', { siteId, from: day, to: day }),
    );
    const before = data?.annotations.find((note) => note.date === day)?.text ?? '';
    const writes = echo?.tenantId && manages(person, echo.tenantId, siteId);
    return (
        <Sheet title={say('noteOfDay')} onClose={closeSheet}>
            <label class="note">
                {say('day')}
                <input
                    type="date"
                    value={day}
                    required
                    onChange={({ currentTarget: { value } }) =>
                        value && show({ sheet: `note:${value}` }, true)
                    }
                />
            </label>
            {error && <p role="alert">{error.message}</p>}
            {writes && !loading && <Form key={day + before} {...{ siteId, before }} date={day} />}
            {!writes && <p>{before || say('noNote')}</p>}
        </Sheet>
    );
}

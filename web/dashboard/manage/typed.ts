/* manage/typed.ts -- what a control is told, and what stands in it while somebody types. */
import { useState } from 'preact/hooks';

export interface Control<T = unknown> {
    id: string;
    value: T;
    onChange: (value: T) => void;
    invalid: boolean;
    describedBy: string;
}

const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);

/** What is typed stays as it was typed for as long as it means the value, which may come from
 *  elsewhere, too. */
export function useTyped<T, Typed>(
    value: T,
    { read, write }: { read: (typed: Typed) => T; write: (value: T) => Typed },
): [Typed, (typed: Typed) => T] {
    const [typed, set] = useState(() => write(value));
    const put = (next: Typed) => (set(next), read(next));
    return [same(read(typed), value) ? typed : write(value), put];
}

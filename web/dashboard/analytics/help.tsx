/* help.tsx -- the keyboard shortcuts, as keys.ts has them. */
import { closeSheet, Sheet } from '../ui';
import { called, say } from '../words';
import { KEYS } from './keys';

/** What is on the key. */
const CAPS: Record<string, string> = { ArrowLeft: '←', ArrowRight: '→', Escape: 'Esc' };

export function HelpSheet() {
    return (
        <Sheet title={say('keys')} onClose={closeSheet}>
            <dl class="keys">
                {[...Object.entries(KEYS), ['Escape', { word: 'close' }] as const].map(
                    ([key, { word }]) => (
                        <div key={key}>
                            <dt>
                                <kbd>{CAPS[key] ?? key}</kbd>
                            </dt>
                            <dd>{called(word)}</dd>
                        </div>
                    ),
                )}
            </dl>
        </Sheet>
    );
}

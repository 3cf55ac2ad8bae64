/*
 * manage/controls.tsx -- one control for each kind of setting: what is shown of a value, and what
 * value stands in it. rows.tsx has those of several rows.
 */
import { say } from '../words';
import { Goals, Rules } from './rows';
import { useTyped, type Control } from './typed';
import './words';

const common = ({ id, invalid, describedBy }: Control) => ({
    id,
    'aria-invalid': invalid,
    'aria-describedby': describedBy,
});

function Text(control: Control<string>) {
    return (
        <input
            {...common(control as Control)}
            autocomplete="off"
            spellcheck={false}
            value={control.value ?? ''}
            onInput={({ currentTarget }) => control.onChange(currentTarget.value.trim())}
        />
    );
}

const zones = () => Intl.supportedValuesOf('timeZone');

function Zone(control: Control<string>) {
    return (
        <>
            <input
                {...common(control as Control)}
                list="zones"
                autocomplete="off"
                spellcheck={false}
                value={control.value ?? ''}
                onInput={({ currentTarget }) => control.onChange(currentTarget.value.trim())}
            />
            <datalist id="zones">
                {zones().map((zone) => (
                    <option key={zone} value={zone} />
                ))}
            </datalist>
        </>
    );
}

/* What is no number is sent as it is, and refused by the server in its own words. */
function Number_(control: Control<number | string>) {
    return (
        <input
            {...common(control as Control)}
            inputMode="numeric"
            autocomplete="off"
            value={String(control.value ?? '')}
            onInput={({ currentTarget: { value } }) =>
                control.onChange(/^-?\d{1,15}$/.test(value.trim()) ? Number(value) : value)
            }
        />
    );
}

function Bool(control: Control<boolean>) {
    return (
        <input
            {...common(control as Control)}
            type="checkbox"
            role="switch"
            checked={control.value}
            onChange={({ currentTarget }) => control.onChange(currentTarget.checked)}
        />
    );
}

const LINES = {
    read: (text: string) =>
        text
            .split('\n')
            .map((line) => line.trim())
            .filter(Boolean),
    write: (lines: string[] | null) => (lines ?? []).join('\n'),
};

/* One in each line. */
function List(control: Control<string[]>) {
    const [text, put] = useTyped(control.value ?? [], LINES);
    return (
        <textarea
            {...common(control as Control)}
            rows={Math.min(8, Math.max(2, text.split('\n').length))}
            spellcheck={false}
            autocomplete="off"
            value={text}
            onInput={({ currentTarget }) => control.onChange(put(currentTarget.value))}
        />
    );
}

const IDENTITIES = ['cut-address', 'full-address'] as const;

function Choice(control: Control<string>) {
    return (
        <select
            {...common(control as Control)}
            value={control.value}
            onChange={({ currentTarget }) => control.onChange(currentTarget.value)}
        >
            {IDENTITIES.map((identity) => (
                <option key={identity} value={identity}>
                    {say(identity)}
                </option>
            ))}
        </select>
    );
}

const FIELDS = [
    'referrer',
    'campaign',
    'title',
    'screen',
    'props',
    'country',
    'browser',
    'os',
    'device',
    'language',
] as const;

function Choices(control: Control<string[]>) {
    const chosen = control.value ?? [];
    return (
        <div class="choices" role="group" {...common(control as Control)}>
            {FIELDS.map((field) => (
                <label key={field}>
                    <input
                        type="checkbox"
                        checked={chosen.includes(field)}
                        onChange={({ currentTarget }) =>
                            control.onChange(
                                FIELDS.filter((other) =>
                                    other === field
                                        ? currentTarget.checked
                                        : chosen.includes(other),
                                ),
                            )
                        }
                    />{' '}
                    {say(`field.${field}`)}
                </label>
            ))}
        </div>
    );
}

export const CONTROLS: Record<string, (control: Control<any>) => preact.JSX.Element> = {
    text: Text,
    timezone: Zone,
    number: Number_,
    bool: Bool,
    list: List,
    choice: Choice,
    choices: Choices,
    rules: Rules,
    goals: Goals,
};

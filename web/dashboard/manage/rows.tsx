/*
 * manage/rows.tsx -- settings that are rows of several texts: goals, and path rules.
 *
 * A row in which nothing stands is none. A property of a goal keeps its type, number or text, until
 * somebody types another.
 */
import { say } from '../words';
import { useTyped, type Control } from './typed';
import { settings } from './words';

type Cells = Record<string, string>;

interface Column {
    name: string;
    label: string;
    hint?: string;
}

function Cell({
    column: { name, label, hint },
    at,
    cells,
    put,
}: {
    column: Column;
    at: number;
    cells: Cells;
    put: (cells: Cells) => void;
}) {
    return (
        <label>
            <span class="soft">{label}</span>
            <input
                aria-label={`${label} ${at + 1}`}
                placeholder={hint}
                autocomplete="off"
                spellcheck={false}
                value={cells[name] ?? ''}
                onInput={({ currentTarget }) => put({ ...cells, [name]: currentTarget.value })}
            />
        </label>
    );
}

function Rows({
    control: { id, invalid, describedBy },
    rows,
    columns,
    label,
    put,
}: {
    control: Control<any>;
    rows: Cells[];
    columns: Column[];
    label: string;
    put: (rows: Cells[]) => void;
}) {
    return (
        <div id={id} tabIndex={-1} role="group" aria-label={label} aria-describedby={describedBy}>
            {rows.map((cells, i) => (
                <div class="text-row" key={i} data-invalid={invalid || undefined}>
                    {columns.map((column) => (
                        <Cell
                            key={column.name}
                            column={column}
                            at={i}
                            cells={cells}
                            put={(next) => put(rows.map((row, k) => (k === i ? next : row)))}
                        />
                    ))}
                    <button
                        type="button"
                        class="quiet"
                        aria-label={`${say('removeRow')} ${i + 1}`}
                        onClick={() => put(rows.filter((_, k) => k !== i))}
                    >
                        ✕
                    </button>
                </div>
            ))}
            <button type="button" onClick={() => put([...rows, {}])}>
                {say('addRow')}
            </button>
        </div>
    );
}

const isFilled = (cells: Cells) => Object.values(cells).some((text) => text.trim() !== '');

/* -- path rules -------------------------------------------------------------------------------- */

interface Rule {
    match: string;
    to: string;
}

const RULES = {
    read: (rows: Cells[]): Rule[] =>
        rows
            .filter(isFilled)
            .map(({ match = '', to = '' }) => ({ match: match.trim(), to: to.trim() })),
    write: (rules: Rule[]): Cells[] => rules.map((rule) => ({ ...rule })),
};

export function Rules(control: Control<Rule[] | null>) {
    const [rows, put] = useTyped(control.value ?? [], RULES);
    return (
        <Rows
            control={control}
            label={settings.pathRules.label}
            rows={rows}
            columns={[
                { name: 'match', label: say('ruleMatch'), hint: '/users/*/edit' },
                { name: 'to', label: say('ruleTo'), hint: '/users/:id/edit' },
            ]}
            put={(next) => control.onChange(put(next))}
        />
    );
}

/* -- goals ------------------------------------------------------------------------------------- */

interface Goal {
    name: string;
    event?: string;
    path?: string;
    value?: number | string;
    props?: Record<string, unknown>;
}

const textOf = (props: Goal['props'] = {}) =>
    Object.entries(props)
        .map(([name, value]) => `${name}=${String(value)}`)
        .join(', ');

function propsOf(text: string): Goal['props'] {
    const pairs = text
        .split(',')
        .map((pair) => /^\s*([^=]+?)\s*=\s*(.*?)\s*$/.exec(pair))
        .filter((pair) => pair !== null);
    return Object.fromEntries(pairs.map(([, name, value]) => [name, value]));
}

const cellsOf = ({ props, value, ...goal }: Goal): Cells => ({
    ...(goal as unknown as Cells),
    value: value === undefined ? '' : String(value),
    props: textOf(props),
    was: props ? JSON.stringify(props) : '',
});

function goalOf({ name = '', event, path, value, props: text = '', was }: Cells): Goal {
    const before: Goal['props'] = was ? JSON.parse(was) : {};
    const props = text === textOf(before) ? before : propsOf(text);
    const number = value?.trim() ?? '';
    return {
        name: name.trim(),
        ...(event?.trim() ? { event: event.trim() } : {}),
        ...(path?.trim() ? { path: path.trim() } : {}),
        ...(props && Object.keys(props).length > 0 ? { props } : {}),
        ...(number ? { value: /^\d+(\.\d+)?$/.test(number) ? Number(number) : number } : {}),
    };
}

/* The members in one order, whatever the order in which they came. */
const GOALS = {
    read: (rows: Cells[]) => rows.filter(isFilled).map(goalOf),
    write: (goals: Goal[]) => goals.map(cellsOf),
};

export function Goals(control: Control<Goal[] | null>) {
    const goals = (control.value ?? []).map((goal) => goalOf(cellsOf(goal)));
    const [rows, put] = useTyped(goals, GOALS);
    return (
        <Rows
            control={control}
            label={settings.goals.label}
            rows={rows}
            columns={[
                { name: 'name', label: say('goalName') },
                { name: 'event', label: say('goalEvent'), hint: 'form.submit' },
                { name: 'path', label: say('goalPath'), hint: '/thanks/*' },
                { name: 'props', label: say('goalProps'), hint: 'form=contact' },
                { name: 'value', label: say('goalValue'), hint: '45' },
            ]}
            put={(next) => control.onChange(put(next))}
        />
    );
}

/* sparkline.tsx -- the days of a range as one small line; its numbers stand beside it. */
import type { Value } from '../format';

const WIDTH = 120;
const HEIGHT = 28;

/** The runs of days that are known, as the data of a path. */
function runs(days: Value[]): string {
    const most = Math.max(1, ...days.map((value) => value ?? 0));
    const step = days.length > 1 ? WIDTH / (days.length - 1) : 0;
    let pen = 'M';
    let path = '';
    days.forEach((value, i) => {
        if (value == null) {
            pen = 'M';
            return;
        }
        const y = HEIGHT - 1 - (value / most) * (HEIGHT - 3);
        path += `${pen}${(i * step).toFixed(1)} ${y.toFixed(1)}`;
        pen = 'L';
    });
    return path;
}

export function Sparkline({ days }: { days: Value[] }) {
    return (
        <svg
            class="sparkline"
            viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
            preserveAspectRatio="none"
            aria-hidden="true"
        >
            <path d={runs(days)} />
        </svg>
    );
}

/* sites/range.tsx -- the range of the screens that show several sites, and the way to one site. */
import '../more';
import { range } from '../format';
import type { Echo } from '../types';
import { AsOf } from '../ui';
import { rangeOf, show, type View } from '../view';
import { called, say } from '../words';

const PERIODS = ['today', 'yesterday', '7d', '28d', '91d', 'month', 'lastMonth', '12mo'];

/** A site's analytics of the same range. */
export function analyticsOf(siteId: string, view: View): string {
    const range = new URLSearchParams(rangeOf(view));
    const query = range.get('period') === '28d' ? '' : `?${range}`;
    return `/admin/sites/${encodeURIComponent(siteId)}/analytics${query}`;
}

export function Range({ view, echo }: { view: View; echo?: Echo }) {
    const own = PERIODS.includes(view.period) ? [] : [view.period];
    return (
        <div class="range">
            <label>
                <span class="unseen">{say('range')}</span>
                <select
                    value={view.period}
                    onChange={({ currentTarget }) =>
                        show({ period: currentTarget.value, from: '', to: '', offset: '' })
                    }
                >
                    {[...PERIODS, ...own].map((period) => (
                        <option key={period} value={period}>
                            {called(`period.${period}`)}
                        </option>
                    ))}
                </select>
            </label>
            <span class="soft">{echo && range(echo.from, echo.to)}</span>{' '}
            {echo && <AsOf asOf={echo.asOf} timezone={null} />}
        </div>
    );
}

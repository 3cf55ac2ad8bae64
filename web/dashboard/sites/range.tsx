/* range.tsx -- the range of the screens that show several sites. */
import '../more';
import { range } from '../format';
import type { Echo } from '../types';
import { AsOf } from '../ui';
import { show, type View } from '../view';
import { called, say } from '../words';

const PERIODS = ['today', 'yesterday', '7d', '28d', '91d', 'month', 'lastMonth', '12mo'];

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

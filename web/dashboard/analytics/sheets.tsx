/* sheets.tsx -- the sheet that the address names: sheet=NAME or sheet=NAME:WHAT. */
import '../more';
import { shared } from '../stage';
import { CompareSheet } from './compare_with';
import type { Asking } from './dates';
import { FilterSheet } from './filter';
import { HelpSheet } from './help';
import { NoteSheet } from './note';
import { PeriodSheet } from './period_sheet';
import { SiteSheet } from './site_switcher';

export function Sheets(asking: Asking) {
    const [name, what = ''] = asking.question.view.sheet.split(':');
    switch (name) {
        case 'site':
            return <SiteSheet {...asking} />;
        case 'filter':
            return <FilterSheet key={what} {...asking} at={what} />;
        case 'period':
            return <PeriodSheet {...asking} />;
        case 'compare':
            return <CompareSheet {...asking} />;
        case 'note':
            return shared ? null : <NoteSheet {...asking} date={what} />;
        case 'keys':
            return <HelpSheet />;
        default:
            return null;
    }
}

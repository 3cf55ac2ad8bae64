/*
 * main.tsx -- which screen an address means. The analytics of a site come at once; what else there
 * is comes when it is asked for.
 */
import './theme';
import { render, type ComponentType } from 'preact';
import { Analytics } from './analytics/page';
import { Frame } from './frame';
import { lazy } from './lazy';
import { shared } from './stage';
import { useAddress } from './view';

const SharedView = lazy(() => import('./share').then((part) => part.SharedView));
const Sites = lazy(() => import('./sites/sites').then((part) => part.Sites));
const Compare = lazy(() => import('./sites/compare').then((part) => part.Compare));
const Tenant = lazy(() => import('./sites/tenant').then((part) => part.Tenant));
const NewSite = lazy(() => import('./manage/new_site').then((part) => part.NewSite));
const Settings = lazy(() => import('./manage/settings').then((part) => part.Settings));
const Ledger = lazy(() => import('./manage/ledger').then((part) => part.Ledger));
const People = lazy(() => import('./manage/people').then((part) => part.People));
const Tokens = lazy(() => import('./manage/tokens').then((part) => part.Tokens));
const Audit = lazy(() => import('./manage/audit').then((part) => part.Audit));
const System = lazy(() => import('./manage/system').then((part) => part.System));

type Screen = ComponentType<{ id: string }>;

/* Each with the id that stands in its address, if there is one. */
const SCREENS: [RegExp, Screen][] = [
    [/^\/admin\/sites\/([^/]+)\/analytics$/, ({ id }) => <Analytics siteId={id} />],
    [/^\/admin\/sites\/([^/]+)\/settings$/, ({ id }) => <Settings siteId={id} />],
    [/^\/admin\/sites\/([^/]+)\/ledger$/, ({ id }) => <Ledger siteId={id} />],
    [/^\/admin\/tenants\/([^/]+)\/analytics$/, ({ id }) => <Tenant tenantId={id} />],
    [/^\/admin\/sites$/, () => <Sites />],
    [/^\/admin\/sites\/new$/, () => <NewSite />],
    [/^\/admin\/compare$/, () => <Compare />],
    [/^\/admin\/people$/, () => <People />],
    [/^\/admin\/tokens$/, () => <Tokens />],
    [/^\/admin\/audit$/, () => <Audit />],
    [/^\/admin\/system$/, () => <System />],
];

function Dashboard() {
    const { path } = useAddress();
    if (shared) return <SharedView />;
    for (const [pattern, Screen] of SCREENS) {
        const found = pattern.exec(path);
        if (!found) continue;
        const id = decodeURIComponent(found[1] ?? '');
        return (
            <Frame>
                <Screen key={path} id={id} />
            </Frame>
        );
    }
    return null;
}

document.querySelector('noscript')?.remove();
render(<Dashboard />, document.body);

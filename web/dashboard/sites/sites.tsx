/*
 * sites/sites.tsx -- all sites that the person reaches: visitors, how they changed, their days.
 */
import '../more';
import { useEffect } from 'preact/hooks';
import { query, useAnswer } from '../api';
import { ChangeOf } from '../analytics/change';
import { figure, figureInFull } from '../format';
import { managesAny, usePerson } from '../frame';
import { PAGE_ROWS, Pager, Search } from '../paged';
import type { Person, SiteRow, Sites as Answer } from '../types';
import { Answered, Explain, Link, Nothing } from '../ui';
import { address, parseView, rangeOf, useAddress, type View } from '../view';
import { metricOf, say } from '../words';
import { analyticsOf, Range } from './range';
import { Sparkline } from './sparkline';

function Head({
    view,
    sort,
    children,
}: {
    view: View;
    sort: string;
    children: preact.ComponentChildren;
}) {
    const chosen = (view.sort || 'visitors') === sort;
    return (
        <th
            scope="col"
            class={sort === 'name' ? 'text' : undefined}
            aria-sort={chosen ? (sort === 'name' ? 'ascending' : 'descending') : undefined}
        >
            <Link href={address({ sort: sort === 'visitors' ? '' : sort, offset: '' })} replace>
                {children}
                <span aria-hidden="true">{chosen ? (sort === 'name' ? ' ↑' : ' ↓') : ''}</span>
            </Link>
        </th>
    );
}

const reportOf = (tenantId: string) => `/admin/tenants/${encodeURIComponent(tenantId)}/analytics`;

/** Whether the person sees all of the tenant: only then there is a report of it. */
const seesAll = (person: Person | undefined, tenantId: string) =>
    person?.user.admin ||
    person?.user.memberships.some((one) => one.tenantId === tenantId && !one.sites?.length);

interface Tenant {
    id: string;
    name?: string | null;
}

/** The tenants whose sites the person may reach; of an admin's two at most. */
function useTenants(): Tenant[] {
    const user = usePerson()?.user;
    const path = user?.admin ? query('admin/tenants', { limit: '2' }) : undefined;
    const all = useAnswer<{ tenants: Tenant[] }>(path).data?.tenants ?? [];
    if (user?.admin) return all;
    const ids = new Set(user?.memberships.map(({ tenantId }) => tenantId));
    return [...ids].map((id) => ({ id }));
}

function TenantName({ row: { tenantId, tenantName } }: { row: SiteRow }) {
    const name = tenantName || tenantId;
    return seesAll(usePerson(), tenantId) ? (
        <Link class="of-tenant soft" href={reportOf(tenantId)}>
            {name}
        </Link>
    ) : (
        <span class="of-tenant soft">{name}</span>
    );
}

function SiteLine({ row, view, tenants }: { row: SiteRow; view: View; tenants: boolean }) {
    return (
        <tr>
            <th scope="row">
                <Link class="row-name" href={analyticsOf(row.siteId, view)}>
                    {row.domain || row.siteId}
                </Link>
                {tenants && <TenantName row={row} />}
            </th>
            <td title={figureInFull('uniqueVisitors', row.uniqueVisitors)}>
                {row.exact ? '' : '≈ '}
                {figure('uniqueVisitors', row.uniqueVisitors)}
            </td>
            <td>
                <ChangeOf
                    metric="uniqueVisitors"
                    now={row.uniqueVisitors}
                    before={row.previous?.uniqueVisitors}
                />
            </td>
            <td class="of-days">
                <Sparkline days={row.days} />
            </td>
            <td title={figureInFull('pageviews', row.pageviews)}>
                {figure('pageviews', row.pageviews)}
            </td>
        </tr>
    );
}

function SitesTable({ data, view, tenants }: { data: Answer; view: View; tenants: boolean }) {
    return (
        <div class="table-scroll" tabIndex={0} role="group" aria-label={say('sites')}>
            <table class="table sites-table">
                <thead>
                    <tr>
                        <Head view={view} sort="name">
                            {say('site')}
                        </Head>
                        <Head view={view} sort="visitors">
                            {metricOf('uniqueVisitors').label}
                        </Head>
                        <Head view={view} sort="change">
                            {say('change')}
                        </Head>
                        <th scope="col" class="of-days">
                            {say('days')}
                        </th>
                        <Head view={view} sort="pageviews">
                            {metricOf('pageviews').label}
                        </Head>
                    </tr>
                </thead>
                <tbody>
                    {data.sites.map((row) => (
                        <SiteLine key={row.siteId} row={row} view={view} tenants={tenants} />
                    ))}
                </tbody>
            </table>
        </div>
    );
}

/** What the list of sites answers to the address; of one tenant where that is given. */
export function useSites(view: View, tenantId?: string) {
    return useAnswer<Answer>(
        query('analytics/sites', {
            ...rangeOf(view),
            against: 'previous',
            limit: String(PAGE_ROWS),
            ...(tenantId ? { tenantId } : {}),
            ...(view.sort ? { sort: view.sort } : {}),
            ...(view.search ? { search: view.search } : {}),
            ...(view.offset ? { offset: view.offset } : {}),
        }),
    );
}

export function SitesList({ view, tenantId }: { view: View; tenantId?: string }) {
    const answer = useSites(view, tenantId);
    const tenants = useTenants().length > 1 && tenantId === undefined;
    return (
        <section class="card" aria-label={say('sites')}>
            <Search view={view} label={say('searchSites')} look="wide-search" />
            <div class="sites-body">
                <Answered answer={answer}>
                    {(data) =>
                        data.sites.length > 0 ? (
                            <>
                                <SitesTable data={data} view={view} tenants={tenants} />
                                {data.total > PAGE_ROWS && (
                                    <Pager offset={Number(view.offset) || 0} total={data.total} />
                                )}
                            </>
                        ) : (
                            <Nothing>
                                <p>{say(view.search ? 'noSuchSite' : 'noSites')}</p>
                                {view.search && (
                                    <Link href={address({ search: '' })} replace>
                                        {say('allSites')}
                                    </Link>
                                )}
                            </Nothing>
                        )
                    }
                </Answered>
            </div>
        </section>
    );
}

export function Sites() {
    const { search } = useAddress();
    const view = parseView(search);
    const person = usePerson();
    const { data } = useSites(view);
    const [tenant, ...others] = useTenants();
    const nameOf = ({ id, name }: Tenant) =>
        name || data?.sites.find(({ tenantId }) => tenantId === id)?.tenantName || id;
    useEffect(() => void (document.title = say('sites')), []);
    return (
        <>
            <div class="title">
                <div class="explained">
                    <h1>{say('sites')}</h1>
                    <Explain label={say('sites')} explain={say('sitesExplain')} />
                </div>
                <Range view={view} echo={data} />
                {tenant && others.length === 0 && seesAll(person, tenant.id) && (
                    <Link class="button" href={reportOf(tenant.id)}>
                        {say('reportOf', { tenant: nameOf(tenant) })}
                    </Link>
                )}
                {person && managesAny(person) && (
                    <a class="button primary" href="/admin/sites/new">
                        {say('addSite')}
                    </a>
                )}
            </div>
            <SitesList view={view} />
        </>
    );
}

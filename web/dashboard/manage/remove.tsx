/*
 * manage/remove.tsx -- a site goes: at once from counting, after 30 days from everywhere; until
 * then it can be taken back. That is for who manages its whole tenant.
 */
import { useState } from 'preact/hooks';
import { forget, Problem, send, useAnswer } from '../api';
import { moment } from '../format';
import { manages, usePerson } from '../frame';
import { say } from '../words';
import './words';

interface SiteResource {
    eraseAt: string | null;
}

export function Remove({ siteId, tenantId }: { siteId: string; tenantId: string }) {
    const path = `/api/admin/sites/${encodeURIComponent(siteId)}`;
    const [typed, setTyped] = useState('');
    const [problem, setProblem] = useState('');
    const site = useAnswer<SiteResource>(path).data;
    const isOffered = manages(usePerson(), tenantId);
    const act = async (event: Event, method: string, body?: unknown) => {
        event.preventDefault();
        setProblem('');
        try {
            await send(method, path, body);
            setTyped('');
            forget();
        } catch (error) {
            setProblem((error as Problem).message);
        }
    };
    if (!site || !isOffered) return null;
    return (
        <section class="card" id="delete">
            <h2>{say('deleteSite')}</h2>
            {site.eraseAt ? (
                <>
                    <p role="alert">{say('deleted', { at: moment(site.eraseAt) })}</p>
                    <button
                        type="button"
                        onClick={(event) => void act(event, 'PATCH', { status: 'active' })}
                    >
                        {say('takeBack')}
                    </button>
                </>
            ) : (
                <>
                    <p class="soft" id="delete-how">
                        {say('deleteSiteHow', { id: siteId })}
                    </p>
                    <form class="inline" onSubmit={(event) => void act(event, 'DELETE')}>
                        <input
                            aria-label={say('newSiteId')}
                            aria-describedby="delete-how"
                            value={typed}
                            autocomplete="off"
                            spellcheck={false}
                            onInput={({ currentTarget }) => setTyped(currentTarget.value)}
                        />
                        <button class="danger" disabled={typed !== siteId}>
                            {say('deleteSite')}
                        </button>
                    </form>
                </>
            )}
            {problem && <p role="alert">{problem}</p>}
        </section>
    );
}

/* manage/new_site.tsx -- a site is made, and its analytics wait for the first event. */
import { useEffect } from 'preact/hooks';
import { query, send } from '../api';
import type { Sites } from '../types';
import { say } from '../words';
import { Field, Form, Managers, TenantChoice, textOf } from './resource';

const AGAIN_MS = 150;

/* Each node learns of a new site within a second; before, its page would be answered 404. */
async function isKnown(id: string): Promise<void> {
    for (let tries = 0; tries < 20; tries++) {
        const path = query('analytics/sites', { names: 'true', search: id, limit: '1000' });
        const { sites } = await send<Sites>('GET', path);
        if (sites.some(({ siteId }) => siteId === id)) return;
        await new Promise((done) => setTimeout(done, AGAIN_MS));
    }
}

export function NewSite() {
    useEffect(() => void (document.title = say('addSite')), []);
    const make = async (form: HTMLFormElement) => {
        const id = encodeURIComponent(textOf(form, 'id'));
        await send('PUT', `/api/admin/sites/${id}`, {
            tenantId: textOf(form, 'tenantId'),
            domain: textOf(form, 'domain'),
            timezone: textOf(form, 'timezone'),
        });
        await isKnown(textOf(form, 'id'));
        location.assign(`/admin/sites/${id}/analytics`);
    };
    return (
        <Managers>
            <section class="card narrow-card">
                <h1>{say('addSite')}</h1>
                <Form word="addSite" onSubmit={make}>
                    <Field label={say('domain')}>
                        <input
                            name="domain"
                            required
                            placeholder="shop.example.com"
                            autocomplete="off"
                            spellcheck={false}
                        />
                    </Field>
                    <Field label={say('newSiteId')} hint={say('newSiteIdHow')}>
                        <input
                            name="id"
                            required
                            pattern={'[A-Za-z0-9_\\-]{1,64}'}
                            title={say('newSiteIdHow')}
                            autocomplete="off"
                            spellcheck={false}
                        />
                    </Field>
                    <Field label={say('tenant')}>
                        <TenantChoice />
                    </Field>
                    <Field label={say('timezone')}>
                        <select
                            name="timezone"
                            defaultValue={Intl.DateTimeFormat().resolvedOptions().timeZone}
                        >
                            {Intl.supportedValuesOf('timeZone').map((zone) => (
                                <option key={zone}>{zone}</option>
                            ))}
                        </select>
                    </Field>
                </Form>
            </section>
        </Managers>
    );
}

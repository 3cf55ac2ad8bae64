/*
 * analytics.forms.js -- counts forms that are submitted.
 *
 *     <script defer src="https://HOST/public/analytics.forms.js"></script>
 *
 * beside the tag of analytics.js, in any order. A form that the browser submits, or hands to the
 * page's script to submit, becomes form.submit with {form}: its id, else its name, else the path of
 * its action. No field is read. A form that the browser finds incomplete is not submitted.
 *
 * It listens before the page does, since a page may stop the event on its way. A field named "id"
 * stands in the place of form.id, and likewise of the others: so attributes are asked for.
 */
import type { Analytics } from './analytics';

/* Marks an event that a first copy of this file has told. */
type Submit = Event & { told?: boolean };

/* Where there is no action, or one that is no address of the web, a form belongs to its page. */
function pathOf(action: string | null): string {
    const link = document.createElement('a');
    link.href = action || document.URL;
    return /^http/.test(link.protocol) ? link.pathname : location.pathname;
}

function tell(event: Submit): void {
    const form = event.target;
    if (!(form instanceof HTMLFormElement) || event.told) return;
    event.told = true;
    const attribute = (name: string) => form.getAttribute(name);
    const analytics = (window.analytics ||= {} as Analytics);
    const name = attribute('id') || attribute('name') || pathOf(attribute('action'));
    (analytics.q ||= []).push(['form.submit', { form: name }]);
}

addEventListener('submit', tell, true);

/*
 * share.tsx -- what a public site, a shared link or an embed shows: the analytics of one of its
 * sites, as far as the server shows them; before it, where there is one, the password. When the key
 * has ended nothing is left on the screen, until the page around it gives a new one.
 */
import './more';
import { useEffect, useState } from 'preact/hooks';
import { Analytics } from './analytics/page';
import { forget, Problem, send } from './api';
import { isOpen, onRenewed, setToken, shared } from './stage';
import { parseView, useAddress } from './view';
import { say } from './words';

function Password({ onOpen }: { onOpen: () => void }) {
    const [wrong, setWrong] = useState('');
    useEffect(() => document.getElementById('password')!.focus(), []);
    const open = async (event: SubmitEvent) => {
        event.preventDefault();
        const input = (event.target as HTMLFormElement).querySelector('input')!;
        try {
            const body = { link: shared!.key, password: input.value };
            setToken((await send<{ token: string }>('POST', '/api/share', body)).token);
            onOpen();
        } catch (error) {
            const { status, message } = error as Problem;
            setWrong(status === 401 || status === 404 ? say('wrongPassword') : message);
            input.select();
        }
    };
    return (
        <main class="narrow">
            <form class="card" method="post" onSubmit={open}>
                <h1>{document.title}</h1>
                <p>
                    <label for="password">{say('opensWithPassword')}</label>
                    <input
                        id="password"
                        type="password"
                        autocomplete="off"
                        maxlength={1024}
                        required
                    />
                </p>
                {wrong && <p role="alert">{wrong}</p>}
                <button class="primary">{say('open')}</button>
            </form>
        </main>
    );
}

function Ended() {
    return (
        <main class="narrow">
            <section class="card">
                <h1>{document.title}</h1>
                <p role="status">{say('ended')}</p>
            </section>
        </main>
    );
}

export function SharedView() {
    const { search } = useAddress();
    const [round, setRound] = useState(0);
    const [isEnded, setEnded] = useState(false);
    const again = () => {
        forget();
        setEnded(false);
        setRound((count) => count + 1);
    };
    useEffect(() => {
        onRenewed(again);
        addEventListener('ended', () => setEnded(true));
    }, []);
    if (!isOpen()) return <Password onOpen={again} />;
    if (isEnded) return <Ended />;
    const wanted = parseView(search).site;
    const site = shared!.sites.find(({ id }) => id === wanted) ?? shared!.sites[0]!;
    return (
        <main id="content">
            <Analytics key={`${site.id} ${round}`} siteId={site.id} />
        </main>
    );
}

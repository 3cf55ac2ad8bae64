/*
 * demo.ts -- what the demo page does besides counting itself: links that change the address,
 * buttons that send events.
 */
export {};

const say = (text: string): void => {
    document.getElementById('status')!.textContent = text;
};

function markCurrent(): void {
    for (const link of document.querySelectorAll('nav a')) {
        const current = link.getAttribute('href') === location.pathname;
        if (current) link.setAttribute('aria-current', 'page');
        else link.removeAttribute('aria-current');
    }
}

for (const link of document.querySelectorAll<HTMLAnchorElement>('a[data-push]')) {
    link.addEventListener('click', (event) => {
        event.preventDefault();
        history.pushState(null, '', link.href);
        markCurrent();
        say(`The address is ${location.pathname} now, without loading.`);
    });
}

for (const button of document.querySelectorAll<HTMLButtonElement>('button[data-event]')) {
    button.addEventListener('click', () => {
        const { event = '', props = '{}' } = button.dataset;
        window.analytics?.track(event, JSON.parse(props));
        say(`Sent ${event}.`);
    });
}

addEventListener('popstate', markCurrent);
markCurrent();

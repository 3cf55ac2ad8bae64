/*
 * demo.ts -- what the demo page does besides counting itself: links that change the address,
 * buttons that send events, a form that goes nowhere.
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

/* Who refuses is told so. */
if (navigator.globalPrivacyControl || window.analytics?.isOptedOut())
    document.getElementById('counted')!.textContent = navigator.globalPrivacyControl
        ? 'You have not been counted: your browser asks for that with Global Privacy Control.'
        : 'You have not been counted: you have switched it off for this site.';

for (const button of document.querySelectorAll<HTMLButtonElement>('button[data-event]')) {
    button.addEventListener('click', async () => {
        const { event = '', props = '{}' } = button.dataset;
        const taken = await window.analytics?.track(event, JSON.parse(props));
        say(taken ? `Sent ${event}.` : `${event} was not sent, or was refused.`);
    });
}

document.getElementById('newsletter')!.addEventListener('submit', (event) => {
    event.preventDefault();
    say('Counted the form, and sent nothing of it.');
});

addEventListener('popstate', markCurrent);
markCurrent();

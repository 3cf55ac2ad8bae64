// What browsers call themselves. Senders that sound like no browser are taken for robots.

export const BROWSER =
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36';

/** A browser that is told from others by a mark at its end. */
export const browser = (mark) => `${BROWSER} ${mark}`;

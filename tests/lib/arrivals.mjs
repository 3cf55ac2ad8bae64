// Ways to come to a site, and what each of them means by public definitions.
//
// `query` stands behind the page's path, `referrer` is what the browser says. `source`, `channel`
// and `utm` are what a report shows of it: names as people write them, channels after the default
// channel groups that Google publishes (a paid medium is "cp...", "ppc" or "paid..."; the source's
// kind says search, social, video or shopping; email, affiliate, display, audio, sms and push by
// their medium), and assistants as a channel of their own. `shown` is the referrer: its host.
//
// CLICK is the value of every click's id: it names one click of one person.

export const CLICK = 'EAIaIQobChMI7clickvalue4iQ';

export const ARRIVALS = [
    { source: '', channel: '' },
    { referrer: 'about:blank', source: '', channel: '' },
    { referrer: 'not a page', source: '', channel: '' },
    {
        referrer: 'https://www.google.com/',
        shown: 'www.google.com',
        source: 'Google',
        channel: 'Organic Search',
    },
    {
        referrer: 'https://www.google.co.uk/search?q=a+secret',
        shown: 'www.google.co.uk',
        source: 'Google',
        channel: 'Organic Search',
    },
    {
        referrer: 'https://duckduckgo.com/',
        shown: 'duckduckgo.com',
        source: 'DuckDuckGo',
        channel: 'Organic Search',
    },
    {
        referrer: 'https://m.facebook.com/story?id=1',
        shown: 'm.facebook.com',
        source: 'Facebook',
        channel: 'Organic Social',
    },
    { referrer: 'https://t.co/a1B2', shown: 't.co', source: 'X', channel: 'Organic Social' },
    {
        referrer: 'https://chatgpt.com/',
        shown: 'chatgpt.com',
        source: 'ChatGPT',
        channel: 'AI Assistants',
    },
    {
        referrer: 'https://www.perplexity.ai/search/x',
        shown: 'www.perplexity.ai',
        source: 'Perplexity',
        channel: 'AI Assistants',
    },
    {
        referrer: 'https://mail.google.com/',
        shown: 'mail.google.com',
        source: 'Gmail',
        channel: 'Email',
    },
    {
        referrer: 'https://www.youtube.com/watch?v=1',
        shown: 'www.youtube.com',
        source: 'YouTube',
        channel: 'Organic Video',
    },
    {
        referrer: 'https://www.amazon.de/dp/1',
        shown: 'www.amazon.de',
        source: 'Amazon',
        channel: 'Organic Shopping',
    },
    {
        referrer: 'android-app://com.slack/',
        shown: 'com.slack',
        source: 'Slack',
        channel: 'Referral',
    },
    {
        referrer: 'https://blog.friends.example/post?id=3#top',
        shown: 'blog.friends.example',
        source: 'blog.friends.example',
        channel: 'Referral',
    },
    {
        referrer: 'https://WWW.Partner.example:8443/',
        shown: 'www.partner.example',
        source: 'partner.example',
        channel: 'Referral',
    },
    {
        query: 'utm_source=newsletter&utm_medium=email&utm_campaign=Spring%20Sale',
        source: 'newsletter',
        channel: 'Email',
        utm: { utmSource: 'newsletter', utmMedium: 'email', utmCampaign: 'Spring Sale' },
    },
    {
        query: 'utm_source=google&utm_medium=cpc&utm_campaign=brand&utm_term=blue+shoes&utm_content=ad%201',
        referrer: 'https://www.google.com/',
        shown: 'www.google.com',
        source: 'Google',
        channel: 'Paid Search',
        utm: {
            utmSource: 'google',
            utmMedium: 'cpc',
            utmCampaign: 'brand',
            utmTerm: 'blue shoes',
            utmContent: 'ad 1',
        },
    },
    {
        query: 'utm_source=google&utm_medium=cpc&utm_campaign=shopping_week',
        source: 'Google',
        channel: 'Paid Shopping',
        utm: { utmSource: 'google', utmMedium: 'cpc', utmCampaign: 'shopping_week' },
    },
    {
        query: `gclid=${CLICK}`,
        referrer: 'https://www.google.com/',
        shown: 'www.google.com',
        source: 'Google',
        channel: 'Paid Search',
    },
    { query: `msclkid=${CLICK}`, source: 'Bing', channel: 'Paid Search' },
    {
        query: `fbclid=${CLICK}`,
        referrer: 'https://l.facebook.com/',
        shown: 'l.facebook.com',
        source: 'Facebook',
        channel: 'Organic Social',
    },
    {
        query: 'utm_source=fb&utm_medium=paid_social&utm_content=video',
        source: 'Facebook',
        channel: 'Paid Social',
        utm: { utmSource: 'fb', utmMedium: 'paid_social', utmContent: 'video' },
    },
    {
        query: 'utm_source=acme&utm_medium=affiliate',
        referrer: 'https://acme.example/',
        shown: 'acme.example',
        source: 'acme',
        channel: 'Affiliates',
        utm: { utmSource: 'acme', utmMedium: 'affiliate' },
    },
    {
        query: 'utm_source=acme&utm_medium=display',
        source: 'acme',
        channel: 'Display',
        utm: { utmSource: 'acme', utmMedium: 'display' },
    },
    {
        query: 'utm_source=morning-show&utm_medium=audio',
        source: 'morning-show',
        channel: 'Audio',
        utm: { utmSource: 'morning-show', utmMedium: 'audio' },
    },
    {
        query: 'utm_source=gateway&utm_medium=sms',
        source: 'gateway',
        channel: 'SMS',
        utm: { utmSource: 'gateway', utmMedium: 'sms' },
    },
    {
        query: 'utm_source=alerts&utm_medium=web-push',
        source: 'alerts',
        channel: 'Mobile Push',
        utm: { utmSource: 'alerts', utmMedium: 'web-push' },
    },
    {
        query: 'utm_source=forum&utm_medium=referral&utm_term=(direct)',
        source: 'forum',
        channel: 'Referral',
        utm: { utmSource: 'forum', utmMedium: 'referral', utmTerm: '(direct)' },
    },
    {
        query: 'utm_source=Größe&utm_medium=something+else',
        source: 'Größe',
        channel: 'Unassigned',
        utm: { utmSource: 'Größe', utmMedium: 'something else' },
    },
    { query: 'ref=producthunt', source: 'Product Hunt', channel: 'Organic Social' },
];

/** Pages that send nothing but spam, and one that a site may not want. */
export const SPAM = 'https://semalt.com/crawler.php';
export const UNWANTED = 'https://links.unwanted.example/';

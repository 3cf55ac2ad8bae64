/*
 * The catalogue in one language, as tools/bundle.mjs makes it of the files beside this one.
 */
declare module 'catalogue' {
    const catalogue: {
        [word in keyof typeof import('./words.json')]: string;
    } & {
        metrics: {
            [metric in keyof (typeof import('./metrics.json'))['metrics']]: { label: string };
        };
        dimensions: {
            [dimension in keyof (typeof import('./metrics.json'))['dimensions']]: {
                label: string;
                plural: string;
            };
        };
    };
    export default catalogue;
}

declare module 'catalogue/meanings' {
    const catalogue: {
        metrics: Record<string, { explain: string; formula: string }>;
        dimensions: Record<string, { explain: string }>;
    };
    export default catalogue;
}

declare module 'catalogue/more' {
    const catalogue: { [word in keyof typeof import('./more.json')]: string };
    export default catalogue;
}

declare module 'catalogue/manage' {
    type Settings = typeof import('./settings.json');
    const catalogue: {
        [word in keyof typeof import('./manage.json')]: string;
    } & {
        settings: {
            [setting in keyof Settings['settings']]: {
                group: keyof Settings['settingGroups'];
                kind: string;
                label: string;
                explain: string;
            };
        };
        settingGroups: { [group in keyof Settings['settingGroups']]: string };
    };
    export default catalogue;
}

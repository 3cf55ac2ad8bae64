/* manage/system.tsx -- how the installation is, for its operator. */
import { useEffect, useState } from 'preact/hooks';
import { useAnswer } from '../api';
import { moment, whole } from '../format';
import { Answered } from '../ui';
import { lang, say } from '../words';
import './words';

const AGAIN_MS = 5000;

interface About {
    version: string;
    startedAt: string;
    node: string;
    store: { kind: string; schema: number; bytes: number };
    redis: null | {
        connected: boolean;
        address: string;
        version: string;
        usedBytes: number | null;
        maxBytes: number | null;
    };
    queue: { length: number | null; oldestAt: string | null };
    log: { pending: number | null };
    job: {
        lastSuccessAt: string | null;
        seconds: number | null;
        intervalSeconds: number | null;
        late: boolean | null;
    };
    ledger: { imbalance: number };
    sites: number;
    tenants: number;
}

function bytes(value: number | null): string {
    if (value == null) return '–';
    const power = Math.min(4, Math.floor(Math.log2(Math.max(1, value)) / 10));
    const unit = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'][power];
    const format = { style: 'unit', unit, unitDisplay: 'short', maximumFractionDigits: 1 } as const;
    return new Intl.NumberFormat(lang, format).format(value / 1024 ** power);
}

/** "0.01 s": the job is mostly faster than a second. */
const seconds = (value: number | null) =>
    value == null
        ? '–'
        : say('seconds', {
              s: new Intl.NumberFormat(lang, { maximumFractionDigits: 2 }).format(value),
          });

type Line = [label: string, value: string, good?: boolean];

const cards = (about: About): [title: string, lines: Line[]][] => [
    [
        say('installation'),
        [
            [say('version'), about.version],
            [say('node'), about.node],
            [say('startedAt'), moment(about.startedAt)],
            [say('tenants'), whole(about.tenants)],
            [say('sites'), whole(about.sites)],
        ],
    ],
    [
        say('queue'),
        [
            [say('queueLength'), whole(about.queue.length)],
            [say('queueOldest'), about.queue.oldestAt ? moment(about.queue.oldestAt) : '–'],
            [say('logPending'), whole(about.log.pending)],
        ],
    ],
    [
        say('job'),
        [
            [
                say('jobLast'),
                about.job.lastSuccessAt ? moment(about.job.lastSuccessAt) : '–',
                about.job.late === null ? undefined : !about.job.late,
            ],
            [say('jobSeconds'), seconds(about.job.seconds)],
            [say('jobInterval'), seconds(about.job.intervalSeconds)],
            [say('imbalance'), whole(about.ledger.imbalance), about.ledger.imbalance === 0],
        ],
    ],
    [
        say('database'),
        [
            [say('databaseKind'), about.store.kind],
            [say('schema'), whole(about.store.schema)],
            [say('size'), bytes(about.store.bytes)],
        ],
    ],
    [
        'Redis',
        about.redis
            ? [
                  [
                      say('state'),
                      say(about.redis.connected ? 'connected' : 'away'),
                      about.redis.connected,
                  ],
                  [say('address'), about.redis.address],
                  [say('version'), about.redis.version],
                  [say('memory'), bytes(about.redis.usedBytes)],
              ]
            : [[say('state'), say('noRedis')]],
    ],
];

export function System() {
    const [tick, setTick] = useState(0);
    const answer = useAnswer<About>('/api/admin/system', tick);
    useEffect(() => {
        document.title = say('system');
        const timer = setInterval(() => !document.hidden && setTick((n) => n + 1), AGAIN_MS);
        return () => clearInterval(timer);
    }, []);
    return (
        <>
            <h1>{say('system')}</h1>
            <Answered answer={{ ...answer, loading: false }}>
                {(about) => (
                    <div class="cards">
                        {cards(about).map(([title, lines]) => (
                            <section class="card" key={title}>
                                <h2>{title}</h2>
                                <dl class="reasons">
                                    {lines.map(([label, value, good]) => (
                                        <div key={label}>
                                            <dt>{label}</dt>
                                            <dd
                                                class={
                                                    good === undefined ? '' : good ? 'good' : 'bad'
                                                }
                                            >
                                                {value}
                                            </dd>
                                        </div>
                                    ))}
                                </dl>
                            </section>
                        ))}
                    </div>
                )}
            </Answered>
        </>
    );
}

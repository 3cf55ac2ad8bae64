// A real Payload, for as long as it takes to make people and sign them in: its database adapter
// holds a connection that nothing gives back, so it has a process of its own.
//
//     node payload.mjs DATABASE_URL SECRET COLLECTION=EMAIL...
//
// prints [{id, email, collection, token}] in the order asked.

import { postgresAdapter } from '@payloadcms/db-postgres';
import { buildConfig, getPayload } from 'payload';

const PASSWORD = 'correct horse battery';
const [databaseUrl, secret, ...asked] = process.argv.slice(2);

const auth = { useSessions: true };
const config = buildConfig({
    secret,
    telemetry: false,
    logger: { options: { level: 'error' } },
    typescript: { autoGenerate: false },
    collections: [
        { slug: 'users', auth, fields: [] },
        { slug: 'customers', auth, fields: [] },
    ],
    db: postgresAdapter({ pool: { connectionString: databaseUrl }, push: true }),
});
const payload = await getPayload({ config });

const people = [];
for (const one of asked) {
    const [collection, email] = one.split('=');
    const data = { email, password: PASSWORD };
    const { id } = await payload.create({ collection, data });
    const { token } = await payload.login({ collection, data });
    people.push({ id, email, collection, token });
}
// On a line of its own: the adapter tells its progress there, too.
process.stdout.write(`\n${JSON.stringify(people)}\n`, () => process.exit(0));

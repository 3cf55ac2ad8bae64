// Tracking, /healthz and reads answer as before while another process holds the database's
// write lock.

import { test } from 'node:test';
import { lockHeldFor } from '../lib/locks.mjs';

test('a write lock held for 5 s slows down nobody, and everything is counted afterwards', () =>
    lockHeldFor(5_000));

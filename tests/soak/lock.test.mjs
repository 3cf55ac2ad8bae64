import { test } from 'node:test';
import { lockHeldFor } from '../lib/locks.mjs';

test('a write lock held for 30 s slows down nobody, and everything is counted afterwards', () =>
    lockHeldFor(30_000));

// The same as fault/kill.test.mjs, longer, and also with every answer waiting for the disk.

import { test } from 'node:test';
import { repeatsUntilAnswered, sentOnce } from '../lib/kills.mjs';

test('events with ids, sent again until answered, are each stored once through 25 kills', () =>
    repeatsUntilAnswered({ kills: 25, span: 4000 }));

test('events sent once are stored once where answered through 25 kills', () =>
    sentOnce({ kills: 25, span: 4000 }));

test('with durability always the same holds through 20 kills', () =>
    repeatsUntilAnswered({ kills: 20, span: 2000, args: ['--durability', 'always'] }));

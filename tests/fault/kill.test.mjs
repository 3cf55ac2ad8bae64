// kill -9 of serve under load: nothing answered is lost, nothing is counted twice.

import { test } from 'node:test';
import { repeatsUntilAnswered, sentOnce } from '../lib/kills.mjs';

test('events with ids, sent again until answered, are each stored once through 5 kills', () =>
    repeatsUntilAnswered({ kills: 5 }));

test('events sent once are stored once where answered through 5 kills', () =>
    sentOnce({ kills: 5 }));

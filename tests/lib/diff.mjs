// Collect differences between answers and expectations, and say all of them at once.

import assert from 'node:assert/strict';

const SHOWN = 40;

export class Differences {
    constructor() {
        this.compared = 0;
        this.list = [];
    }

    /** `where` names what it is about: "ny 2026-03-29 visits". */
    equal(where, actual, expected, holds = Object.is(actual, expected)) {
        this.compared += 1;
        if (!holds)
            this.list.push(
                `${where}: answered ${JSON.stringify(actual)}, expected ${JSON.stringify(expected)}`,
            );
    }

    /** Fails with the first of them; also when fewer than `atLeast` numbers were compared. */
    none(atLeast) {
        const rest = this.list.length > SHOWN ? [`... and ${this.list.length - SHOWN} more`] : [];
        assert.equal(
            this.list.length,
            0,
            [
                `${this.list.length} of ${this.compared} differ`,
                ...this.list.slice(0, SHOWN),
                ...rest,
            ].join('\n'),
        );
        assert.ok(
            this.compared >= atLeast,
            `only ${this.compared} numbers were compared, of at least ${atLeast}`,
        );
    }
}

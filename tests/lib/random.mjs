// Numbers that look random and are the same in every run.

export class Random {
    constructor(seed) {
        this.state = seed >>> 0;
    }

    /** 0 <= x < 1: mulberry32, a mixing function in the public domain. */
    next() {
        this.state = (this.state + 0x6d2b79f5) >>> 0;
        let t = this.state;
        t = Math.imul(t ^ (t >>> 15), t | 1);
        t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
        return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
    }

    /** from <= n <= to. */
    int(from, to) {
        return from + Math.floor(this.next() * (to - from + 1));
    }

    pick(list) {
        return list[this.int(0, list.length - 1)];
    }

    chance(share) {
        return this.next() < share;
    }
}

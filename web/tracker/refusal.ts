/*
 * refusal.ts -- the one thing that is kept on a device: that its owner does not want to be counted.
 *
 * It stands in the storage of the visited site's own origin. Where a browser keeps no storage, the
 * refusal holds for the page that is open.
 */
export const enum Kept {
    REFUSAL = 'analytics-opt-out',
}

// Local dates and hours by the JavaScript engine's own time zone data: independent of the
// server's reading of TZif.

const DAY = 86_400_000;
const formats = new Map();

function formatOf(zone) {
    let format = formats.get(zone);
    if (format === undefined) {
        const two = '2-digit';
        format = new Intl.DateTimeFormat('en-CA', {
            timeZone: zone,
            hourCycle: 'h23',
            year: 'numeric',
            month: two,
            day: two,
            hour: two,
            minute: two,
            second: two,
        });
        formats.set(zone, format);
    }
    return format;
}

/** What the clock on the wall shows, as if it were UTC, in ms. */
export function wallMs(zone, ms) {
    const p = {};
    for (const { type, value } of formatOf(zone).formatToParts(ms)) p[type] = Number(value);
    return (
        Date.UTC(p.year, p.month - 1, p.day, p.hour, p.minute, p.second) +
        (((ms % 1000) + 1000) % 1000)
    );
}

const offset = (zone, ms) => wallMs(zone, ms) - ms;

/** YYYY-MM-DD. */
export const dateText = (utcMs) => new Date(utcMs).toISOString().slice(0, 10);
export const localDate = (zone, ms) => dateText(wallMs(zone, ms));
export const localHourOfDay = (zone, ms) => new Date(wallMs(zone, ms)).getUTCHours();

export const addDays = (date, days) => dateText(Date.parse(date) + days * DAY);
export const daysBetween = (from, to) => Math.round((Date.parse(to) - Date.parse(from)) / DAY);
export const weekday = (date) => (new Date(date).getUTCDay() + 6) % 7; // 0: Monday

export function datesOf(from, to) {
    const dates = [];
    for (let date = from; date <= to; date = addDays(date, 1)) dates.push(date);
    return dates;
}

/** The smallest ms in (low, high] for which `holds`, which is false at low and true at high. */
function first(low, high, holds) {
    while (high - low > 1) {
        const middle = Math.floor((low + high) / 2);
        if (holds(middle)) high = middle;
        else low = middle;
    }
    return high;
}

/** The instant at which a local date begins. */
export function dayStart(zone, date) {
    const utc = Date.parse(date);
    return first(utc - DAY, utc + DAY, (ms) => localDate(zone, ms) >= date);
}

/** The instant at which the local clock hour of `ms` began: the wall's last full hour, or the
 *  clock's change if that came later. */
export function hourStart(zone, ms) {
    const wall = wallMs(zone, ms);
    const full = ms - (wall % 3_600_000);
    const now = offset(zone, ms);
    if (offset(zone, full) === now) return full;
    return first(full, ms, (at) => offset(zone, at) === now);
}

/** Where the local hours of these dates begin. Every zone's offsets are multiples of a quarter
 *  of an hour today. */
export function hoursOf(zone, from, to) {
    const end = dayStart(zone, addDays(to, 1));
    const hours = [];
    for (let ms = dayStart(zone, from); ms < end; ms += 900_000) {
        const hour = hourStart(zone, ms);
        if (hour !== hours[hours.length - 1]) hours.push(hour);
    }
    return hours;
}

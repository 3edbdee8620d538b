// Numbers, times and names as people read them.

const whole = new Intl.NumberFormat('en');
const NOTHING = '–';

/** What stands where nothing is known. */
export const nothingKnown = NOTHING;

export function count(number) {
  return number == null ? NOTHING : whole.format(number);
}

/** A count on little room: 1,234 or 56.7k. */
export function short(number) {
  if (number == null) return NOTHING;
  if (number < 10_000) return whole.format(number);
  const [unit, name] = number < 1e6 ? [1e3, 'k'] : number < 1e9 ? [1e6, 'M'] : [1e9, 'G'];
  return `${(number / unit).toFixed(number / unit < 100 ? 1 : 0)}${name}`;
}

export function milliseconds(number) {
  if (number == null) return NOTHING;
  if (number < 1) return '<1 ms';
  if (number < 1000) return `${Math.round(number)} ms`;
  if (number < 60_000) return `${(number / 1000).toFixed(number < 10_000 ? 2 : 1)} s`;
  return `${Math.round(number / 60_000)} min`;
}

export function micros(number) {
  if (number == null) return NOTHING;
  return number < 1000 ? `${Math.round(number)} µs` : milliseconds(number / 1000);
}

export function dollars(number) {
  if (number == null) return NOTHING;
  if (number === 0) return '$0';
  return number < 0.01 ? `$${number.toPrecision(2)}` : `$${number.toFixed(number < 10 ? 3 : 2)}`;
}

export function clock(timestamp) {
  const time = new Date(timestamp);
  const two = (part) => String(part).padStart(2, '0');
  return `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
}

export function moment(timestamp) {
  const time = new Date(timestamp);
  return `${time.toLocaleDateString('en-CA')} ${clock(timestamp)}.${String(time.getMilliseconds()).padStart(3, '0')}`;
}

export function duration(seconds) {
  if (seconds == null) return NOTHING;
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** The start of a hash. */
export function hash(text) {
  return text ? text.slice(0, 12) : NOTHING;
}

/** A share of a whole, in percent. */
export function share(part, all) {
  if (!all) return NOTHING;
  const percent = (100 * part) / all;
  return `${percent === 0 || percent >= 10 ? Math.round(percent) : percent.toFixed(1)}%`;
}

export function sum(numbers = []) {
  return numbers.reduce((all, number) => all + number, 0);
}

export function plural(number, one, many = `${one}s`) {
  return `${count(number)} ${number === 1 ? one : many}`;
}

// How numbers and times read on the page.

const WHOLE = new Intl.NumberFormat('en');
const COMPACT = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });
const CLOCK = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

/** 9,999 in full, 12.3K beyond. */
export const count = (value) => (value < 10_000 ? WHOLE : COMPACT).format(value);

export const rate = (value) => (value < 10 ? value.toFixed(1) : count(Math.round(value)));

export const percent = (value) => value.toFixed(value < 10 ? 1 : 0);

/** Milliseconds with the digits that matter. */
export const milliseconds = (value) => value.toFixed(value < 10 ? 1 : 0);

export function bytes(value) {
  let unit = 0;
  let amount = value;
  while (amount >= 1024 && unit < UNITS.length - 1) {
    amount /= 1024;
    unit++;
  }
  return `${amount.toFixed(unit === 0 || amount >= 100 ? 0 : 1)} ${UNITS[unit]}`;
}

export const clock = (iso) => CLOCK.format(new Date(iso));

export const plural = (number, one, many = `${one}s`) =>
  `${count(number)} ${number === 1 ? one : many}`;

// The messages: a number, and bytes that follow from it, so that whoever reads them can tell whether they are right.

/** Not the same everywhere, as no real message is. */
const FILLING = Buffer.from(Array.from({ length: 2048 }, (_, index) => 32 + ((index * 31) % 95)));

export function makeValue(number, size) {
  const value = Buffer.allocUnsafe(size);
  value.writeUInt32LE(number, 0);
  FILLING.copy(value, 4, number & 1023, (number & 1023) + size - 4);
  return value;
}

export const numberOf = (value) => value.readUInt32LE(0);

export function isWhole(value, size) {
  if (value === null || value.length !== size) return false;
  const from = numberOf(value) & 1023;
  return value.compare(FILLING, from, from + size - 4, 4) === 0;
}

/**
 * Options that may be undefined, when all of them are known.
 */
export type Complete<T> = { [K in keyof T]-?: Exclude<T[K], undefined> };

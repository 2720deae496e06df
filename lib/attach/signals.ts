/**
 * What the engine asks of a socket that is the host's.
 */

/** The same numbers as in `core/src/ws/bridge.rs`. */
export const Signal = { Output: 0, Resume: 1, Finish: 2, Release: 3 } as const;

/** What carries a connection's bytes on this side. */
export interface Attached {
  /** Does what the engine asks for. `Release` is the last. */
  signal(signal: number): void;
  /** The certificate of its client, in DER, where its server has asked for one. */
  readonly certificate?: Buffer | undefined;
}

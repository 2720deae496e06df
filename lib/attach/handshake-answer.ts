/**
 * The engine's answer to a handshake, where the server of the host has to give it in a form of its own. No
 * I/O.
 */

export interface HandshakeAnswer {
  /** 101 if the connection is to be opened. */
  readonly status: number;
  readonly headers: [string, string][];
  readonly body: string;
}

/** The answer of an engine that ended before it gave one. */
export const NO_ANSWER: HandshakeAnswer = {
  status: 503,
  headers: [['Content-Type', 'text/plain']],
  body: 'Service Unavailable\n',
};

/** What the server writes itself. */
const SERVERS_OWN = /^(connection|content-length|upgrade|sec-websocket-(accept|extensions))$/i;

/** Takes the answer at the start of the bytes, and what follows it; undefined while it is cut. */
export function readAnswer(bytes: Buffer): { answer: HandshakeAnswer; rest: Buffer } | undefined {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const [first = '', ...lines] = bytes.toString('latin1', 0, end).split('\r\n');
  const headers = lines.map((line): [string, string] => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon), line.slice(colon + 1).trim()];
  });
  const length = Number(headers.find(([name]) => /^content-length$/i.test(name))?.[1] ?? 0);
  const start = end + 4;
  if (bytes.length < start + length) return undefined;
  const answer = {
    status: Number(first.split(' ')[1]),
    headers: headers.filter(([name]) => !SERVERS_OWN.test(name)),
    body: bytes.toString('latin1', start, start + length),
  };
  return { answer, rest: bytes.subarray(start + length) };
}

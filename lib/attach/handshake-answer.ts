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

/** What the server writes itself. */
const SERVERS_OWN = /^(connection|content-length|upgrade|sec-websocket-(accept|extensions))$/i;

/** Reads a whole response. */
export function readAnswer(bytes: Buffer): HandshakeAnswer {
  const end = bytes.indexOf('\r\n\r\n');
  const [first = '', ...lines] = bytes.toString('latin1', 0, end).split('\r\n');
  const headers = lines.map((line): [string, string] => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon), line.slice(colon + 1).trim()];
  });
  return {
    status: Number(first.split(' ')[1]),
    headers: headers.filter(([name]) => !SERVERS_OWN.test(name)),
    body: bytes.toString('latin1', end + 4),
  };
}

/**
 * The cases of `bad-input.test.ts` as the tables of docs/bad-input.md.
 */
import { BAD_OPTIONS, LATE_CALLS } from './bad-call-cases.js';
import { BAD_TOKENS } from './bad-token-cases.js';
import { BAD_FRAMES, BAD_HANDSHAKES, BAD_MESSAGES } from './bad-input-cases.js';

/** The whole text of docs/bad-input.md. */
export function badInputDocument(): string {
  return `# Bad input and its answers

<!-- Made from the cases of __test__/bad-input.test.ts, where each of them is tested.
     To write it anew: npx vitest run __test__/bad-input.test.ts -u -->

## Messages

The answer is an \`error\` message with \`payload.message\`, \`payload.code\` and, where the message's type is a
non-empty string, \`payload.type\`. The message's \`id\` is echoed. The connection lives on, and nothing else changes.

${table(
  ['A client sends', '`code`', '`message`'],
  grouped(BAD_MESSAGES.map(({ given, answer }) => [given, code(answer.code), answer.message])),
)}

Leaving a room that does not exist is no fault: it is answered by silence.

## Tokens

Under the option \`jwt\`. The answer is an \`error\` message with the code \`AUTH_FAILED\` and the message "Authentication failed",
whatever is wrong, and after \`maxAuthFailures\` of them the connection is closed with 4401. A token of the handshake has one attempt.
\`getStats().refusals\` counts each as \`auth_failed\`, and by its reason:

${table(
  ['A client has a token that', 'Counted as'],
  grouped(BAD_TOKENS.map(({ given, refusal }) => [given, code(refusal)])),
)}

## Frames

The answer is a close frame (RFC 6455, section 7.4.1) with which the connection ends. What the client sends
behind the fault is read and ignored, so that the answer is not lost.

${table(
  ['A client sends', 'Code', 'Reason'],
  grouped(BAD_FRAMES.map(({ given, close }) => [given, String(close.code), close.reason])),
)}

## Handshakes

The answer is a response with a line of text, behind which the socket is closed. \`getStats().refusals\`
counts it by its reason.

${table(
  ['A client asks with', 'Status', 'Text', 'Further headers', 'Counted as'],
  grouped(
    BAD_HANDSHAKES.map(({ given, status, body, headers = {}, refusal }) => [
      given,
      String(status),
      body,
      Object.entries(headers)
        .map(([name, value]) => code(`${name}: ${value}`))
        .join(', '),
      code(refusal),
    ]),
  ),
)}

A handshake that is not whole within \`handshakeTimeout\` ends without a response, counted as
\`handshake_timeout\`. A good one over \`maxConnections\` is completed and closed with 1013 "Server
overloaded", counted as \`server_overloaded\`. Frames right behind a good handshake are kept and handled.

## Options

The constructor throws. The message begins with the name of the option or variable.

${table(
  ['Given', 'Error', '`code`', 'Begins with'],
  BAD_OPTIONS.map(({ given, error, path }) => [given, error.name, code(error.code), code(path)]),
)}

## A port that is taken

The constructor returns. \`ready()\` rejects with \`EADDRINUSE\`, and there is an \`error\` event in a later
turn of the event loop. Where nobody listens to it and nobody called \`ready()\`, it is an uncaught
exception. The manager behaves as one that was closed.

## After \`close()\`

${table(
  ['Call', 'Returns'],
  LATE_CALLS.map(({ call, returns }) => [code(call), code(JSON.stringify(returns) ?? 'undefined')]),
)}

\`ready()\` still resolves, since the manager did listen; \`request(…)\` rejects with
\`ERR_CONNECTION_CLOSED\`.
`;
}

/** Makes one row of those with the same answer; what leads to it stands in lines of its own. */
function grouped(rows: string[][]): string[][] {
  const groups = new Map<string, string[][]>();
  for (const row of rows) {
    const answer = row.slice(1).join('\n');
    groups.set(answer, [...(groups.get(answer) ?? []), row]);
  }
  return [...groups.values()].map((group) => [
    group.map(([given]) => given).join('<br>'),
    ...(group[0] as string[]).slice(1),
  ]);
}

function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function code(text: string): string {
  return `\`${text}\``;
}

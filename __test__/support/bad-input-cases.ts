/**
 * What clients can do wrong, and what they get for it: the cases of `bad-input.test.ts`, from which
 * docs/bad-input.md is made too. Here are only inputs and answers; what is checked of each is there.
 */
import type { WebSocketConfig } from '@libs/messaging';
import { closePayload, frame, Opcode, text } from './frames.js';
import { request } from './raw-client.js';

/** A message that is answered by an `error`; the connection lives on and nothing else changes. */
export interface BadMessage {
  given: string;
  frame: Buffer;
  answer: { message: string; code: string; type?: string };
}

/** Frames that are answered by a close frame, with which the connection ends. */
export interface BadFrames {
  given: string;
  frames: Buffer[];
  close: { code: number; reason: string };
}

/** A request that opens no connection: it is answered by this response, and the socket is closed. */
export interface BadHandshake {
  given: string;
  request: string | Buffer;
  status: number;
  body: string;
  headers?: Record<string, string>;
  /** Under which name `getStats().refusals` counts it. */
  refusal: string;
}

/** The limit that the cases about large messages are over. */
export const MAX_PAYLOAD = 1024;
export const CONFIG: WebSocketConfig = { maxPayload: MAX_PAYLOAD };

const NAME_RULE = 'must be a string of 1 to 256 bytes';
const USER_RULE = 'payload.userId must be a string of 1 to 256 bytes, or a number up to 2^53 - 1';
const LOGIN_RULE = 'payload must be an object with each key once';
const SESSION_RULE =
  'payload.sessionId must be a string of at most 256 bytes, or a number up to 2^53 - 1';

const noMessage = (given: string, sent: string): BadMessage => ({
  given,
  frame: text(sent),
  answer: { message: 'Invalid message format', code: 'INVALID_FORMAT' },
});

const unknownType = (given: string, sent: object, type: string): BadMessage => ({
  given,
  frame: text(sent),
  answer: { message: `Unknown message type: ${type}`, code: 'UNKNOWN_TYPE', type },
});

/** A type that is no name is not repeated as one, and is refused whether the host listens or not. */
const noType = (given: string, sent: object, shown: string): BadMessage => ({
  given,
  frame: text(sent),
  answer: { message: `Unknown message type: ${shown}`, code: 'UNKNOWN_TYPE' },
});

const badPayload = (type: string, given: string, payload: unknown, rule: string): BadMessage => ({
  given: `\`${type}\`: ${given}`,
  frame: text({ type, payload }),
  answer: { message: `Invalid payload for ${type}: ${rule}`, code: 'INVALID_PAYLOAD', type },
});

/** The four types that name a room or a topic have the same rules for it. */
const NAMED: BadMessage[] = (
  [
    ['subscribe', 'topic'],
    ['unsubscribe', 'topic'],
    ['join_room', 'room'],
    ['leave_room', 'room'],
  ] as const
).flatMap(([type, key]) => {
  const bad = (given: string, payload: unknown) =>
    badPayload(type, given, payload, `payload.${key} ${NAME_RULE}`);
  return [
    bad('no payload', undefined),
    bad('`payload: null`', null),
    bad('a payload that is no object', [key]),
    bad(`no ${key}`, {}),
    bad(`a ${key} that is null`, { [key]: null }),
    bad(`a ${key} that is a number`, { [key]: 5 }),
    bad(`a ${key} that is an object`, { [key]: {} }),
    bad(`an empty ${key}`, { [key]: '' }),
    bad(`a ${key} of 257 bytes`, { [key]: 'x'.repeat(257) }),
    bad(`a ${key} of 129 characters that are 258 bytes`, { [key]: 'é'.repeat(129) }),
  ];
});

const badLogin = (given: string, payload: unknown, rule = USER_RULE) =>
  badPayload('authenticate', given, payload, rule);

export const BAD_MESSAGES: BadMessage[] = [
  noMessage('not JSON', 'hello'),
  noMessage('JSON that is cut off', '{"type":"heartbeat"'),
  noMessage('JSON with something behind it', '{"type":"heartbeat"}{}'),
  noMessage('an empty text frame', ''),
  noMessage('a JSON number', '5'),
  noMessage('a JSON string', '"heartbeat"'),
  noMessage('`true`', 'true'),
  noMessage('`null`', 'null'),
  noMessage('a JSON array', '[{"type":"heartbeat"}]'),
  {
    ...noMessage('a binary frame that holds no JSON message, while nobody listens to `binary`', ''),
    frame: frame(Opcode.binary, Buffer.from([0xff, 0x00])),
  },
  unknownType('an unknown type, while nobody listens to `message`', { type: 'dance' }, 'dance'),
  unknownType('a type in other letters', { type: 'Subscribe', payload: {} }, 'Subscribe'),
  noType('an empty type', { type: '' }, ''),
  noType('no type', { payload: {} }, 'undefined'),
  noType('a type that is null', { type: null }, 'null'),
  noType('a type that is a number', { type: 5 }, '5'),
  unknownType('a type of over 64 characters', { type: 'x'.repeat(65) }, `${'x'.repeat(64)}…`),
  ...NAMED,
  badLogin('no payload', undefined, LOGIN_RULE),
  badLogin('`payload: null`', null, LOGIN_RULE),
  badLogin('a payload that is no object', 'ada', LOGIN_RULE),
  {
    ...badLogin('a key twice', undefined, LOGIN_RULE),
    frame: text('{"type":"authenticate","payload":{"userId":"ada","userId":"bob"}}'),
  },
  badLogin('no userId', { sessionId: 's' }),
  badLogin('a userId that is null', { userId: null }),
  badLogin('a userId that is true', { userId: true }),
  badLogin('a userId that is an object', { userId: {} }),
  badLogin('a userId by a number over 2^53 - 1', { userId: 2 ** 53 }),
  badLogin('an empty userId', { userId: '' }),
  badLogin('a userId of 257 bytes', { userId: 'x'.repeat(257) }),
  badLogin('a sessionId that is true', { userId: 'ada', sessionId: true }, SESSION_RULE),
  badLogin('a sessionId that is an array', { userId: 'ada', sessionId: [] }, SESSION_RULE),
  badLogin('a sessionId of 257 bytes', { userId: 'ada', sessionId: 'x'.repeat(257) }, SESSION_RULE),
];

const violation = (given: string, reason: string, ...frames: Buffer[]): BadFrames => ({
  given,
  frames,
  close: { code: 1002, reason },
});
const notUtf8 = (given: string, ...frames: Buffer[]): BadFrames => ({
  given,
  frames,
  close: { code: 1007, reason: 'invalid UTF-8' },
});
const tooBig = (given: string, ...frames: Buffer[]): BadFrames => ({
  given,
  frames,
  close: { code: 1009, reason: 'message is too big' },
});

const MASK = Buffer.alloc(4);
/** A masked text frame whose header claims this length, in this encoding. */
const claiming = (...length: number[]) =>
  Buffer.concat([Buffer.from([0x81, ...length]), MASK, Buffer.from('{}')]);

export const BAD_FRAMES: BadFrames[] = [
  violation(
    'an unmasked frame',
    'frame is not masked',
    frame(Opcode.text, '{}', { masked: false }),
  ),
  ...[1, 2, 4].map((reserved) =>
    violation(
      `reserved bit ${['', 3, 2, '', 1][reserved]} set`,
      'reserved bits must be clear',
      frame(Opcode.text, '{}', { reserved }),
    ),
  ),
  violation('a reserved data opcode', 'reserved opcode', frame(3, '{}')),
  violation('a reserved control opcode', 'reserved opcode', frame(11)),
  violation(
    'a control frame in fragments',
    'fragmented control frame',
    frame(Opcode.ping, '', { fin: false }),
  ),
  violation(
    'a control frame of 126 bytes',
    'control frame over 125 bytes',
    frame(Opcode.ping, 'x'.repeat(126)),
  ),
  violation(
    'a length of 2 in the encoding for 16 bits',
    'length is not minimal',
    claiming(0xfe, 0, 2),
  ),
  violation(
    'a length of 2 in the encoding for 64 bits',
    'length is not minimal',
    claiming(0xff, 0, 0, 0, 0, 0, 0, 0, 2),
  ),
  violation(
    'a length with the highest of its 64 bits set',
    'length is over 2^63 - 1',
    claiming(0xff, 0x80, 0, 0, 0, 0, 0, 0, 2),
  ),
  violation(
    'a continuation of nothing',
    'continuation without a message',
    frame(Opcode.continuation, '{}'),
  ),
  violation(
    'a new message within a fragmented one',
    'message inside a fragmented message',
    frame(Opcode.text, '{', { fin: false }),
    text('{}'),
  ),
  violation(
    'a close frame of one byte',
    'close payload of one byte',
    frame(Opcode.close, Buffer.from([3])),
  ),
  ...[0, 999, 1004, 1005, 1006, 1015, 2999, 5000].map((code) =>
    violation(
      `a close frame with the code ${code}`,
      'invalid close code',
      frame(Opcode.close, closePayload(code)),
    ),
  ),
  notUtf8('text that is not UTF-8', frame(Opcode.text, Buffer.from([0x7b, 0xff, 0x7d]))),
  notUtf8('text that ends within a character', frame(Opcode.text, Buffer.from([0x7b, 0xc3]))),
  notUtf8('an encoded surrogate', frame(Opcode.text, Buffer.from([0xed, 0xa0, 0x80]))),
  notUtf8(
    'bad UTF-8 in a fragment, before the message is whole',
    frame(Opcode.text, 'good ', { fin: false }),
    frame(Opcode.continuation, Buffer.from([0xff]), { fin: false }),
  ),
  notUtf8(
    'a close reason that is not UTF-8',
    frame(Opcode.close, closePayload(1000, Buffer.from([0xff]))),
  ),
  tooBig('a message over `maxPayload`', text('x'.repeat(MAX_PAYLOAD + 1))),
  tooBig('a binary message over `maxPayload`', frame(Opcode.binary, Buffer.alloc(MAX_PAYLOAD + 1))),
  tooBig(
    'fragments that are over `maxPayload` together',
    frame(Opcode.text, 'x'.repeat(MAX_PAYLOAD), { fin: false }),
    frame(Opcode.continuation, 'x'),
  ),
  // Far more than a socket's buffers hold: the server has to read on, or its answer would be lost.
  tooBig('a message of 8 MiB', text('x'.repeat(8 << 20))),
  tooBig('the header of a message of 2^62 bytes', claiming(0xff, 0x40, 0, 0, 0, 0, 0, 0, 0)),
];

const badRequest = (given: string, sent: string | Buffer, body: string): BadHandshake => ({
  given,
  request: sent,
  status: 400,
  body,
  refusal: 'bad_request',
});
const badKey = (given: string, key: string | string[] | undefined) =>
  badRequest(
    given,
    request({ 'Sec-WebSocket-Key': key }),
    'Sec-WebSocket-Key must be given once: 16 bytes in base64',
  );
const notFound = (given: string, target: string): BadHandshake => ({
  given,
  request: request({}, `GET ${target} HTTP/1.1`),
  status: 404,
  body: 'Not Found',
  refusal: 'not_found',
});
const upgradeRequired = (given: string, version: string | string[] | undefined): BadHandshake => ({
  given,
  request: request({ 'Sec-WebSocket-Version': version }),
  status: 426,
  body: 'Sec-WebSocket-Version must be 13',
  headers: { 'sec-websocket-version': '13' },
  refusal: 'unsupported_version',
});
const tooLarge = (given: string, sent: string): BadHandshake => ({
  given,
  request: sent,
  status: 431,
  body: 'The headers are too large',
  refusal: 'headers_too_large',
});
const manyHeaders = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`X-${i}`, 'x']));

export const BAD_HANDSHAKES: BadHandshake[] = [
  notFound('another path', '/other'),
  notFound('a path that only begins like it', '/ws/more?token=/ws'),
  notFound('a path in other letters', '/WS'),
  upgradeRequired('version 8 of the protocol', '8'),
  upgradeRequired('no version', undefined),
  upgradeRequired('two versions', ['13', '8']),
  {
    given: 'a request of plain HTTP, without `Upgrade`',
    request: request({ Upgrade: undefined }),
    status: 426,
    body: 'This is a WebSocket endpoint',
    headers: { upgrade: 'websocket', 'sec-websocket-version': '13' },
    refusal: 'not_a_websocket',
  },
  badRequest('POST', request({}, 'POST /ws HTTP/1.1'), 'The method must be GET'),
  badRequest('HTTP/1.0', request({}, 'GET /ws HTTP/1.0'), 'HTTP/1.1 is required'),
  badKey('no key', undefined),
  badKey('an empty key', ''),
  badKey('a key of 15 bytes', Buffer.alloc(15).toString('base64')),
  badKey('a key of 17 bytes', Buffer.alloc(17).toString('base64')),
  badKey('a key that is not base64', '*'.repeat(22).concat('==')),
  badKey('two keys', ['dGhlIHNhbXBsZSBub25jZQ==', 'dGhlIHNhbXBsZSBub25jZQ==']),
  badRequest('no host', request({ Host: undefined }), 'Host must be given once'),
  badRequest(
    '`Connection` without `upgrade`',
    request({ Connection: 'keep-alive' }),
    'Connection must have the token upgrade',
  ),
  badRequest('a body', `${request({ 'Content-Length': '2' })}{}`, 'A body is not allowed'),
  badRequest(
    'subprotocols that are no tokens',
    request({ 'Sec-WebSocket-Protocol': 'chat, a b' }),
    'Sec-WebSocket-Protocol must be a list of tokens',
  ),
  badRequest(
    'a header without a colon',
    request().replace('Upgrade: ', 'Upgrade '),
    'Malformed HTTP request',
  ),
  badRequest(
    'the start of TLS',
    Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00]),
    'Malformed HTTP request',
  ),
  tooLarge('a head of over 16 KiB', request({ Cookie: 'x'.repeat(16_384) })),
  tooLarge('a head of 1 MiB without an end', `GET /ws HTTP/1.1\r\nCookie: ${'x'.repeat(1 << 20)}`),
  tooLarge('over 100 headers', request(manyHeaders)),
];

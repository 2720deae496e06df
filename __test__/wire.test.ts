/**
 * The wire as clients see it: every message of the protocol and its answer, letter by letter.
 */
import { describe, expect, test } from 'vitest';
import type { WebSocketConnection, WebSocketRequest } from '@libs/messaging';
import { connectClient } from '@libs/messaging/testing';
import { frame, Opcode, text } from './support/frames.js';
import { startManager } from './support/managers.js';
import { RawClient, request } from './support/raw-client.js';
import { nextEvent } from './support/test-manager.js';

const STAMPED = /^(?<before>.*),"timestamp":"(?<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)"\}$/s;

/** A message's text without its last key, which must be the timestamp. */
function unstamped(message: string): string {
  expect(message).toMatch(STAMPED);
  return `${STAMPED.exec(message)?.groups?.before}}`;
}

describe('on connect', () => {
  test('the client is told its id', async () => {
    const manager = await startManager();
    const client = await RawClient.open(manager);

    const greeting = await client.text();
    const [id] = manager.getConnections().map((connection) => connection.id);
    expect(id).toMatch(/^conn_\d{13}_[0-9a-z]{9}$/);
    expect(unstamped(greeting)).toBe(
      `{"type":"connection","payload":{"connectionId":"${id}","message":"Connected successfully"}}`,
    );
  });

  test('ids differ', async () => {
    const manager = await startManager();
    const ids = new Set<string>();
    for (let i = 0; i < 20; i += 1) ids.add((await RawClient.greeted(manager)).id);
    expect(ids.size).toBe(20);
  });

  test('the path is compared without the query, which the service can read', async () => {
    const manager = await startManager();
    const connected = nextEvent<[WebSocketConnection, WebSocketRequest]>(manager, 'connection');
    const client = await connectClient(manager, {
      path: '/ws?token=a%20b&x=/other',
      headers: { 'X-Trace': 'abc' },
    });

    const [connection, { url, headers, remoteAddress }] = await connected;
    expect(connection.id).toBe(client.connectionId);
    expect(url).toBe('/ws?token=a%20b&x=/other');
    expect(headers['x-trace']).toBe('abc');
    expect(remoteAddress).toBe('127.0.0.1');
  });

  test('another path can be chosen', async () => {
    const manager = await startManager({ path: '/live/v1' });
    await connectClient(manager, { path: '/live/v1?a=b' });
    await expect(connectClient(manager, { path: '/ws' })).rejects.toThrow('404');
    await expect(connectClient(manager, { path: '/live/v1/' })).rejects.toThrow('404');
  });

  test('a handshake in pieces, with frames right behind it, is a handshake', async () => {
    const manager = await startManager();
    const client = await RawClient.connect(manager);
    const head = request();
    client.write(head.slice(0, 30));
    // Every write is a packet of its own; the server may read them apart or together.
    client.write(head.slice(30, -1));
    client.write(
      head.slice(-1),
      text({ type: 'heartbeat' }),
      text({ type: 'subscribe', payload: { topic: 't' } }),
    );

    expect((await client.response()).headers).toMatchObject({
      upgrade: 'websocket',
      connection: 'Upgrade',
      // RFC 6455, section 1.3, has this very key and its answer.
      'sec-websocket-accept': 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=',
    });
    expect((await client.message()).type).toBe('connection');
    expect((await client.message()).type).toBe('heartbeat');
    expect((await client.message()).type).toBe('subscribed');
  });
});

describe('answers', () => {
  // Sent in this order over one connection; the last column is the answer without its timestamp.
  const CONVERSATION: [sent: string, answer: string][] = [
    [
      '{"type":"authenticate","payload":{"userId":"ada","sessionId":"s1","token":"t"}}',
      '{"type":"authenticated","payload":{"userId":"ada","sessionId":"s1","status":"success"}}',
    ],
    [
      '{"type":"subscribe","payload":{"topic":"news"}}',
      '{"type":"subscribed","payload":{"topic":"news","status":"success"}}',
    ],
    [
      '{"type":"unsubscribe","payload":{"topic":"news"}}',
      '{"type":"unsubscribed","payload":{"topic":"news","status":"success"}}',
    ],
    [
      '{"type":"join_room","payload":{"room":"lobby"}}',
      '{"type":"joined_room","payload":{"room":"lobby","status":"success"}}',
    ],
    [
      '{"type":"leave_room","payload":{"room":"lobby"}}',
      '{"type":"left_room","payload":{"room":"lobby","status":"success"}}',
    ],
    ['{"type":"heartbeat","payload":{}}', '{"type":"heartbeat","payload":"pong"}'],
    ['{"type":"heartbeat"}', '{"type":"heartbeat","payload":"pong"}'],
    // Keys in any order, white space, escapes and further keys: it is JSON.
    [
      ' { "payload" : { "extra" : [1] , "room" : "caf\\u00e9 \\"1\\"" } , "type" : "join\\u005froom" } ',
      '{"type":"joined_room","payload":{"room":"café \\"1\\"","status":"success"}}',
    ],
    // A session is optional, and both are numbers in many databases.
    [
      '{"type":"authenticate","payload":{"userId":42,"sessionId":7}}',
      '{"type":"authenticated","payload":{"userId":"42","sessionId":"7","status":"success"}}',
    ],
    [
      '{"type":"authenticate","payload":{"userId":"bob"}}',
      '{"type":"authenticated","payload":{"userId":"bob","status":"success"}}',
    ],
    // An `id` comes back at top level with whatever answers the message.
    ['{"type":"heartbeat","id":"h-1"}', '{"type":"heartbeat","payload":"pong","id":"h-1"}'],
    [
      '{"id":"é\\"","type":"subscribe","payload":{"topic":"t"}}',
      '{"type":"subscribed","payload":{"topic":"t","status":"success"},"id":"é\\""}',
    ],
    [
      `{"type":"heartbeat","id":"${'i'.repeat(64)}"}`,
      `{"type":"heartbeat","payload":"pong","id":"${'i'.repeat(64)}"}`,
    ],
    [
      '{"type":"subscribe","payload":{},"id":"e-1"}',
      '{"type":"error","payload":{"message":"Invalid payload for subscribe: payload.topic must be a string of 1 to 256 bytes","code":"INVALID_PAYLOAD","type":"subscribe"},"id":"e-1"}',
    ],
    [
      '{"type":"dance","payload":{},"id":"e-2"}',
      '{"type":"error","payload":{"message":"Unknown message type: dance","code":"UNKNOWN_TYPE","type":"dance"},"id":"e-2"}',
    ],
    // What cannot be an `id` is left out.
    [`{"type":"heartbeat","id":"${'i'.repeat(65)}"}`, '{"type":"heartbeat","payload":"pong"}'],
    ['{"type":"heartbeat","id":7}', '{"type":"heartbeat","payload":"pong"}'],
    ['{"type":"heartbeat","id":null}', '{"type":"heartbeat","payload":"pong"}'],
  ];

  test('to each message of the protocol, keys in order and the timestamp last', async () => {
    const client = await RawClient.greeted(await startManager());
    for (const [sent, answer] of CONVERSATION) {
      expect(unstamped(await client.ask(sent)), sent).toBe(answer);
    }
  });

  test('the same in binary frames, the answers being text', async () => {
    const client = await RawClient.greeted(await startManager());
    for (const [sent, answer] of CONVERSATION) {
      client.write(frame(Opcode.binary, sent));
      expect(unstamped(await client.text()), sent).toBe(answer);
    }
  });

  test('the timestamp is the time of the answer', async () => {
    const client = await RawClient.greeted(await startManager());
    const before = Date.now();
    const { timestamp } = JSON.parse(await client.ask({ type: 'heartbeat' }));
    expect(Date.parse(timestamp)).toBeGreaterThanOrEqual(before);
    expect(Date.parse(timestamp)).toBeLessThanOrEqual(Date.now());
  });

  test('names of 256 bytes are fine, in any script', async () => {
    const client = await connectClient(await startManager());
    for (const name of ['r'.repeat(256), 'é'.repeat(128), '😀'.repeat(64)]) {
      expect((await client.join(name)).payload.room).toBe(name);
      expect((await client.subscribe(name)).payload.topic).toBe(name);
      expect((await client.authenticate({ userId: name })).payload.userId).toBe(name);
    }
  });

  test('many messages in one packet are answered in their order', async () => {
    const client = await RawClient.greeted(await startManager());
    const ids = Array.from({ length: 500 }, (_, i) => `m-${i}`);
    client.write(...ids.map((id) => text({ type: 'heartbeat', id })));
    for (const id of ids) expect((await client.message()).id).toBe(id);
  });
});

describe('state', () => {
  test('authenticate again replaces user and session', async () => {
    const manager = await startManager();
    const client = await connectClient(manager, { userId: 'ada', sessionId: 's1' });
    const connection = manager.getConnection(client.connectionId);
    expect([connection?.userId, connection?.sessionId]).toEqual(['ada', 's1']);

    await client.authenticate({ userId: 'bob' });
    expect([connection?.userId, connection?.sessionId]).toEqual(['bob', undefined]);
    expect(manager.getUserConnections('ada')).toEqual([]);
    expect(manager.getUserConnections('bob')).toEqual([client.connectionId]);
    expect(manager.sendToUser('ada', { type: 'note', payload: 1 })).toBe(0);
    expect(manager.sendToUser('bob', { type: 'note', payload: 2 })).toBe(1);
    expect((await client.next('note')).payload).toBe(2);
  });

  test('joining and subscribing twice counts once, and is answered twice', async () => {
    const manager = await startManager();
    const client = await connectClient(manager);
    for (let i = 0; i < 2; i += 1) {
      expect((await client.join('lobby')).type).toBe('joined_room');
      expect((await client.subscribe('news')).type).toBe('subscribed');
    }
    expect(manager.getRoomMembers('lobby')).toEqual([client.connectionId]);
    expect(manager.sendToRoom('lobby', { type: 'note', payload: 'room' })).toBe(1);
    expect(manager.broadcastToTopic('news', { type: 'note', payload: 'topic' })).toBe(1);
    await client.leave('lobby');
    await client.unsubscribe('news');
    expect(client.pending.map((message) => message.payload)).toEqual(['room', 'topic']);
    expect(manager.getActiveRooms()).toEqual([]);
    expect(manager.getActiveTopics()).toEqual([]);
  });

  test('leaving a room that does not exist is answered by silence', async () => {
    const client = await RawClient.greeted(await startManager());
    client.write(text({ type: 'leave_room', payload: { room: 'nowhere' }, id: 'x' }));
    expect(JSON.parse(await client.ask({ type: 'heartbeat' })).type).toBe('heartbeat');
  });

  test('leaving a room of others is answered, and so is a subscription that never was', async () => {
    const manager = await startManager();
    const member = await connectClient(manager);
    const stranger = await connectClient(manager);
    await member.join('lobby');

    expect((await stranger.leave('lobby')).type).toBe('left_room');
    expect((await stranger.unsubscribe('nothing')).type).toBe('unsubscribed');
    expect(manager.getRoomMembers('lobby')).toEqual([member.connectionId]);
  });

  test('a room, a topic and a user of one name are three things', async () => {
    const manager = await startManager();
    const [inRoom, onTopic, user] = [
      await connectClient(manager),
      await connectClient(manager),
      await connectClient(manager, { userId: 'x' }),
    ];
    await inRoom.join('x');
    await onTopic.subscribe('x');
    manager.sendToRoom('x', { type: 'note', payload: 'room' });
    manager.broadcastToTopic('x', { type: 'note', payload: 'topic' });
    manager.sendToUser('x', { type: 'note', payload: 'user' });

    for (const [client, payload] of [
      [inRoom, 'room'],
      [onTopic, 'topic'],
      [user, 'user'],
    ] as const) {
      expect((await client.next('note')).payload).toBe(payload);
      await client.settled();
      expect(client.pending).toEqual([]);
    }
  });
});

describe('a message whose type is no name', () => {
  test('is refused even when the service listens to messages', async () => {
    const manager = await startManager();
    const heard: unknown[] = [];
    manager.on('message', (message) => heard.push(message));
    const client = await connectClient(manager);
    for (const type of [undefined, null, '', 5, { a: 1 }]) {
      client.send({ type, payload: 1 } as never);
      const { payload } = await client.next('error');
      expect(payload).toEqual({
        message: `Unknown message type: ${typeof type === 'object' ? JSON.stringify(type) : type}`,
        code: 'UNKNOWN_TYPE',
      });
    }
    client.send({ type: 'chat', payload: 1 });
    await nextEvent(manager, 'message');
    expect(heard).toEqual([{ type: 'chat', payload: 1 }]);
  });
});

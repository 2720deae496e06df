/**
 * The public types, as values of exactly these types: a signature that changes fails to compile here.
 */
import { type EventEmitter, once } from 'node:events';
import type { AddressInfo } from 'node:net';
import {
  WebSocketManager,
  type WebSocketAccess,
  type WebSocketConfig,
  type WebSocketConnection,
  type WebSocketIdentity,
  type WebSocketLogin,
  type WebSocketMessage,
  type WebSocketPatterns,
  type WebSocketStats,
  type WebSocketTokenSource,
  type WebSocketWarning,
} from '@libs/messaging';
import {
  connectClient,
  createTestManager,
  flush,
  type TestClient,
  type TestMessage,
} from '@libs/messaging/testing';

type Same<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <A, B>(_same: Same<A, B>) => {};

type Manager = WebSocketManager;
type Message = WebSocketMessage;

// The contract's methods.
same<ConstructorParameters<typeof WebSocketManager>, [config?: WebSocketConfig | null | undefined]>(
  true,
);
same<Manager['sendToConnection'], (connectionId: string, message: Message) => boolean>(true);
same<Manager['sendToUser'], (userId: string, message: Message) => number>(true);
same<Manager['sendToRoom'], (room: string, message: Message) => number>(true);
same<Manager['broadcastToTopic'], (topic: string, message: Message) => number>(true);
same<Manager['broadcast'], (message: Message) => number>(true);
same<Manager['getConnectionCount'], () => number>(true);
same<Manager['getActiveRooms'], () => string[]>(true);
same<Manager['getRoomMembers'], (room: string) => string[]>(true);
same<Manager['close'], () => void>(true);

// The ones beside them.
same<Manager['joinRoom'], (connectionId: string, room: string) => boolean>(true);
same<Manager['leaveRoom'], (connectionId: string, room: string) => boolean>(true);
same<Manager['subscribe'], (connectionId: string, topic: string) => boolean>(true);
same<Manager['unsubscribe'], (connectionId: string, topic: string) => boolean>(true);
same<Manager['getUserConnections'], (userId: string) => string[]>(true);
same<Manager['getTopicSubscribers'], (topic: string) => string[]>(true);
same<Manager['getActiveTopics'], () => string[]>(true);
same<Manager['getConnection'], (connectionId: string) => WebSocketConnection | undefined>(true);
same<Manager['getConnections'], () => WebSocketConnection[]>(true);
same<Manager['getStats'], () => WebSocketStats>(true);
same<Manager['ready'], () => Promise<AddressInfo>>(true);
same<Manager['address'], () => AddressInfo | null>(true);

// The data types.
same<keyof Message, 'type' | 'payload' | 'timestamp' | 'userId' | 'sessionId'>(true);
same<WebSocketConnection['subscriptions'], Set<string>>(true);
same<WebSocketConnection['lastHeartbeat'], Date>(true);

type Outgoing = { type: 'price'; payload: { symbol: string; value: number } };
type Incoming = { type: 'order'; payload: { amount: number }; id?: string };

/** A manager with messages of its own: what it sends and what it hears is checked. */
export async function typedService(): Promise<void> {
  await using manager = new WebSocketManager<Outgoing, Incoming>({ port: 0, logger: console });
  const emitter: EventEmitter = manager;
  await once(emitter, 'listening');

  manager.broadcast({ type: 'price', payload: { symbol: 'X', value: 1 } });
  // @ts-expect-error The type is not one of those that this service sends.
  manager.broadcast({ type: 'prize', payload: { symbol: 'X', value: 1 } });

  manager
    .on('message', (message, connection) => {
      same<typeof message, Incoming>(true);
      same<typeof connection, WebSocketConnection>(true);
      connection.data = { seen: true };
      connection.socket.send(Buffer.from('binary'));
    })
    .on('connection', async (connection, request) => {
      const header: string | undefined = request.headers['user-agent'];
      manager.joinRoom(connection.id, `${request.url} ${header}`);
    })
    .once('disconnect', (_connection, code, reason) => `${code + 1} ${reason.trim()}`)
    .on('data', (data: string | Buffer) => data.length)
    .on('warning', ({ code, message, connectionId, cause }: WebSocketWarning) => {
      console.warn(code, message, connectionId, cause);
    })
    .off('error', (error) => error.code);
  // @ts-expect-error There is no such event.
  manager.on('mesage', () => {});
  // @ts-expect-error The event has a connection as its argument.
  manager.emit('authenticated', 'conn_1');

  const answer = await manager.request(
    'conn_1',
    { type: 'price', payload: { symbol: 'X', value: 2 } },
    { timeout: 100 },
  );
  same<typeof answer, Incoming>(true);
  await manager.shutdown({ timeout: 1000 });
}

/** The test kit, with a typed manager as well. */
export async function testKit(): Promise<void> {
  const manager = await createTestManager<Outgoing, Incoming>({ maxConnections: 2 });
  same<typeof manager, WebSocketManager<Outgoing, Incoming>>(true);
  const client: TestClient = await connectClient(manager, { userId: 'ada', headers: { a: 'b' } });
  await client.join('lobby');
  await flush(manager);
  const message: TestMessage = await client.next('price', { timeout: 10 });
  client.send({ type: 'order', payload: message.payload });
  const { code } = await client.close();
  same<typeof code, number>(true);
}

/** Places of tokens: an editor offers those that there are, and a setting may be any string. */
export function tokenSources(setting: string): WebSocketConfig[] {
  same<Extract<WebSocketTokenSource, 'header' | 'subprotocol'>, 'header' | 'subprotocol'>(true);
  const config = { tokenFrom: 'header', requireAuth: true };
  const list = { tokenFrom: ['header', 'cookie:sid'] };
  return [config, list, { tokenFrom: setting }, { tokenFrom: setting.split(',') }];
}

/** Hooks and patterns, in every form that they may have. */
export function guards(users: Map<string, WebSocketIdentity>): WebSocketConfig[] {
  const login = ({ token, request }: WebSocketLogin) => {
    const origin: string | undefined = request.headers.origin;
    return origin === undefined || token === undefined ? null : users.get(token);
  };
  const access = ({ connection, action, name }: WebSocketAccess) => {
    // @ts-expect-error There is no such action.
    if (action === 'leave_room') return false;
    return action === 'join_room' && connection.claims?.team === name;
  };
  const patterns: WebSocketPatterns = { subscribe: ['user:{userId}:*'] };
  return [
    { authenticate: login, authorize: access },
    { authenticate: async (claim) => login(claim), authorize: async (wish) => access(wish) },
    { authenticate: async () => ({ userId: 1, expiresAt: new Date(), claims: { team: 'red' } }) },
    { authorize: patterns, tokenFrom: ['header', 'cookie:sid'], requireAuth: true },
    { authenticate: null, authorize: undefined, tokenFrom: 'query:token' },
    {
      jwt: false,
      tls: false,
      authorize: false,
      tokenFrom: false,
      origins: false,
      trustProxy: false,
    },
    // @ts-expect-error A place is a string.
    { tokenFrom: 5 },
    // @ts-expect-error An identity has a user.
    { authenticate: () => ({ sessionId: 's1' }) },
    // @ts-expect-error A hook says yes or no.
    { authorize: () => 'yes' },
    // @ts-expect-error There is no such action.
    { authorize: { leave_room: ['a'] } },
  ];
}

/**
 * The end of an identity: by its own time, and by the service's word.
 */
import { connectClient } from '@libs/messaging/testing';
import { EventEmitter, once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { startManager } from './support/managers.js';
import { newManager } from './support/test-manager.js';

describe('an identity that expires', () => {
  test('is announced, then closes the connection', async () => {
    let expiresAt = new Date();
    const manager = await startManager({
      authenticate: () => {
        expiresAt = new Date(Date.now() + 300);
        return { userId: 'ada', expiresAt };
      },
    });
    const client = await connectClient(manager, { token: 'x' });
    const { payload, timestamp } = await client.next('token_expiring');
    expect(payload).toEqual({ expiresAt: expiresAt.toISOString() });
    expect(timestamp).toMatch(/^\d{4}-.*Z$/);
    expect(Date.now()).toBeLessThan(expiresAt.getTime());
    expect(await client.closed).toEqual({ code: 4401, reason: 'Token expired' });
    expect(Date.now()).toBeGreaterThanOrEqual(expiresAt.getTime() - 5);
    expect(manager.getStats().refusals).toMatchObject({ token_expired: 1 });
  });

  test('goes on when the client authenticates again in time', async () => {
    let [logins, life] = [0, 300];
    const manager = await startManager({
      tokenExpiringLead: 200,
      authenticate: () => {
        logins += 1;
        return { userId: 'ada', expiresAt: Date.now() + life };
      },
    });
    const client = await connectClient(manager, { token: 'x' });
    for (let i = 0; i < 3; i += 1) {
      await client.next('token_expiring');
      await client.authenticate({ token: 'x' });
    }
    life = 3_600_000;
    await client.authenticate({ token: 'x' });
    await sleep(400);
    await client.settled();
    expect(client.pending).toEqual([]);
    expect(logins).toBe(5);
  });

  test('goes on when the new one has no end', async () => {
    let first = true;
    const manager = await startManager({
      authenticate: () => {
        const expiresAt = first ? new Date(Date.now() + 200) : undefined;
        first = false;
        return { userId: 'ada', expiresAt };
      },
    });
    const client = await connectClient(manager, { token: 'x' });
    await client.authenticate({ token: 'x' });
    await sleep(300);
    await client.settled();
    expect(client.pending).toEqual([]);
  });

  test('ends at its time also while a decision about it is pending', async () => {
    const manager = await startManager({
      authenticate: () => ({ userId: 'ada', expiresAt: new Date(Date.now() + 300) }),
      authorize: () => new Promise(() => {}),
    });
    const client = await connectClient(manager, { token: 'x' });
    client.send({ type: 'join_room', payload: { room: 'lobby' } });
    await expect.poll(() => manager.getConnectionCount()).toBe(0);
    expect(manager.broadcast({ type: 'secret', payload: 1 })).toBe(0);
    expect(await client.closed).toEqual({ code: 4401, reason: 'Token expired' });
  });

  test('is refused when its end is past', async () => {
    const manager = await startManager({
      authenticate: () => ({ userId: 'ada', expiresAt: new Date(Date.now() - 1000) }),
    });
    await expect(connectClient(manager, { token: 'x' })).rejects.toMatchObject({
      code: 'AUTH_FAILED',
    });
  });

  test('may end in a far future', async () => {
    for (const expiresAt of [new Date(8.64e15), Number.MAX_VALUE]) {
      const authenticate = () => ({ userId: 'ada', expiresAt });
      const manager = await startManager({ authenticate, shards: 1 });
      const client = await connectClient(manager, { token: 'x' });
      await client.settled();
      expect(client.pending).toEqual([]);
    }
  });
});

describe('disconnectUser', () => {
  test('closes all connections of a user, and nobody else', async () => {
    const manager = await startManager();
    const [first, second, other] = [
      await connectClient(manager, { userId: 'ada' }),
      await connectClient(manager, { userId: 'ada' }),
      await connectClient(manager, { userId: 'bob' }),
    ];
    manager.sendToUser('ada', { type: 'bye', payload: 1 });
    expect(manager.disconnectUser('ada')).toBe(2);
    expect(manager.disconnectUser('ada')).toBe(0);
    for (const client of [first, second]) {
      expect(await client.closed).toEqual({ code: 4401, reason: 'Disconnected' });
      expect(client.pending.map(({ type }) => type)).toEqual(['bye']);
    }
    await other.settled();
    await connectClient(manager, { userId: 'ada' });
    expect(manager.disconnectUser('ada', 4000, 'Moved')).toBe(1);
  });

  test('takes a number for a user, and refuses what can never be right', async () => {
    const manager = newManager();
    await connectClient(manager, { userId: 5 });
    expect(manager.disconnectUser(5 as never)).toBe(1);
    expect(manager.disconnectUser('')).toBe(0);
    const wrong = expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' });
    expect(() => manager.disconnectUser(null as never)).toThrow(wrong);
    expect(() => manager.disconnectUser('\ud800')).toThrow(wrong);
    expect(() => manager.disconnectUser('ada', 1005)).toThrow(wrong);
    expect(() => manager.disconnectUser('ada', 4000, 'x'.repeat(124))).toThrow(wrong);
  });
});

describe('disconnectUser while a login is being decided', () => {
  /** A manager whose hook answers, as `userId`, when it is told to. */
  async function startSlowHook(userId: string) {
    const hook = new EventEmitter();
    const asked = once(hook, 'asked');
    const told = once(hook, 'told');
    const manager = await startManager({
      authenticate: async () => {
        hook.emit('asked');
        await told;
        return { userId };
      },
    });
    const client = await connectClient(manager);
    client.send({ type: 'authenticate', payload: { token: 'x' } });
    await asked;
    return { manager, client, answer: () => hook.emit('told') };
  }

  test('that login does not bring the user back, and a later one may', async () => {
    const { manager, client, answer } = await startSlowHook('mallory');
    expect(manager.disconnectUser('mallory')).toBe(0);
    answer();
    expect(await client.next('error')).toMatchObject({ payload: { code: 'AUTH_FAILED' } });
    expect(manager.sendToUser('mallory', { type: 'n', payload: 1 })).toBe(0);
    await client.authenticate({ token: 'x' });
    expect(manager.disconnectUser('mallory')).toBe(1);
  });

  test('logins as somebody else go through', async () => {
    const { manager, client, answer } = await startSlowHook('ada');
    manager.disconnectUser('mallory');
    answer();
    expect(await client.next('authenticated')).toMatchObject({ payload: { userId: 'ada' } });
  });
});

describe('revokeSession', () => {
  test('closes all connections of a session, and lets nobody in with it again', async () => {
    const manager = await startManager();
    const login = (sessionId?: string) => connectClient(manager, { userId: 'ada', sessionId });
    const [first, second, other, none] = [
      await login('s1'),
      await login('s1'),
      await login('s2'),
      await login(),
    ];
    expect(manager.revokeSession('s1')).toBe(2);
    for (const client of [first, second]) {
      expect(await client.closed).toEqual({ code: 4401, reason: 'Session revoked' });
    }
    expect(manager.revokeSession('s1')).toBe(0);
    await expect(login('s1')).rejects.toMatchObject({ code: 'AUTH_FAILED' });
    await login('s3');
    await other.settled();
    await none.settled();
  });

  test('finds a connection by the session that it has now', async () => {
    const manager = await startManager();
    const client = await connectClient(manager, { userId: 'ada', sessionId: 'old' });
    await client.authenticate({ userId: 'ada', sessionId: 'new' });
    expect(manager.revokeSession('old')).toBe(0);
    await client.settled();
    expect(manager.revokeSession('new')).toBe(1);
    expect(await client.closed).toMatchObject({ code: 4401 });
  });

  test('holds of a session that a hook gives', async () => {
    const authenticate = () => ({ userId: 'ada', sessionId: 7 });
    const manager = await startManager({ authenticate, tokenFrom: 'query:t' });
    const client = await connectClient(manager, { token: 'x' });
    expect(manager.revokeSession(7 as never)).toBe(1);
    expect(await client.closed).toMatchObject({ code: 4401 });
    const again = await connectClient(manager, { path: '/ws?t=x' });
    expect(await again.closed).toEqual({ code: 4401, reason: 'Authentication failed' });
  });

  test('refuses what can never be right', () => {
    const manager = newManager();
    const wrong = expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' });
    expect(() => manager.revokeSession(null as never)).toThrow(wrong);
    expect(() => manager.revokeSession('')).toThrow(wrong);
    expect(() => manager.revokeSession('\ud800')).toThrow(wrong);
  });
});

/**
 * The start and the end of a manager: address, ready(), a port that cannot be had, close().
 */
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { WebSocketManager } from '@libs/messaging';
import { connectClient } from '@libs/messaging/testing';
import { describe, expect, onTestFinished, test } from 'vitest';
import { runNode } from './support/node-process.js';
import { needs } from './support/tools.js';
import {
  endAfterTest,
  newManager,
  nextEvent,
  openManager,
  portOf,
} from './support/test-manager.js';

const MESSAGE = { type: 'news', payload: 1 };

/** A port of 127.0.0.1 that another server listens on. */
async function takenPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
  });
  return (server.address() as { port: number }).port;
}

/** What comes of a TCP connection: the manager's port is open, or nobody listens there. */
async function knock(port: number): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return 'open';
  } catch (error) {
    return (error as { code: string }).code;
  } finally {
    socket.destroy();
  }
}

describe('address()', () => {
  test('is known at once', () => {
    const address = newManager().address();
    expect(address).toEqual({ address: '127.0.0.1', family: 'IPv4', port: expect.any(Number) });
    expect(address?.port).toBeGreaterThan(0);
  });

  test('is of IPv6 where the host is', async (context) => {
    const manager = newManager({ host: '::1' });
    manager.on('error', () => {});
    needs(context, 'IPv6', manager.address());
    expect(manager.address()).toMatchObject({ address: '::1', family: 'IPv6' });
    await connectClient(manager);
  });

  test('is a new object each time', () => {
    const manager = newManager();
    (manager.address() as { port: number }).port = 1;
    expect(manager.address()?.port).not.toBe(1);
  });
});

describe('ready()', () => {
  test('resolves with the address, when clients can connect', async () => {
    const manager = newManager();
    const address = await manager.ready();
    expect(address).toEqual(manager.address());
    await connectClient(manager);
  });

  test('resolves also when it has long listened, and for everybody who asks', async () => {
    const manager = newManager();
    await once(manager, 'listening');
    const addresses = await Promise.all([manager.ready(), manager.ready()]);
    expect(addresses).toEqual([manager.address(), manager.address()]);
  });

  test('rejects if the manager was closed before it listened', async () => {
    const manager = newManager();
    let listened = false;
    manager.on('listening', () => {
      listened = true;
    });
    const ready = manager.ready();
    manager.close();
    await expect(ready).rejects.toMatchObject({ code: 'ERR_MANAGER_CLOSED' });
    await expect(manager.ready()).rejects.toMatchObject({ code: 'ERR_MANAGER_CLOSED' });
    expect(listened).toBe(false);
  });
});

describe('a port that is taken', () => {
  const fault = (port: number) => ({
    code: 'EADDRINUSE',
    syscall: 'listen',
    address: '127.0.0.1',
    port,
    errno: expect.any(Number),
    message: `listen EADDRINUSE: address already in use 127.0.0.1:${port}`,
  });

  test('does not throw in the constructor, and is an error event in a later turn', async () => {
    const port = await takenPort();
    const manager = newManager({ port });
    let told = false;
    manager.on('error', () => {
      told = true;
    });
    expect(manager.address()).toBeNull();
    expect(told).toBe(false);
    const [error] = await once(manager, 'error');
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject(fault(port));
  });

  test('is the same fault as that of a server of Node', async () => {
    const port = await takenPort();
    const [ours] = await nextEvent<[NodeJS.ErrnoException]>(newManager({ port }), 'error');
    const server = createServer().listen(port, '127.0.0.1');
    const [nodes] = await once(server, 'error');
    expect({ ...ours, message: ours.message }).toEqual({ ...nodes, message: nodes.message });
  });

  test('makes ready() reject, and is then no uncaught exception', async () => {
    const port = await takenPort();
    const manager = newManager({ port });
    await expect(manager.ready()).rejects.toMatchObject(fault(port));
    // Whoever asks later hears it too.
    await expect(manager.ready()).rejects.toMatchObject(fault(port));
  });

  test('does both for whoever wants both', async () => {
    const port = await takenPort();
    const manager = newManager({ port });
    const told = nextEvent(manager, 'error');
    await expect(manager.ready()).rejects.toMatchObject(fault(port));
    expect((await told)[0]).toMatchObject(fault(port));
  });

  test('leaves a manager that is closed: no call fails', async () => {
    const manager = newManager({ port: await takenPort() });
    await once(manager, 'error');
    expect(manager.broadcast(MESSAGE)).toBe(0);
    expect(manager.getConnections()).toEqual([]);
    expect(manager.getStats()).toMatchObject({ connections: 0, totalConnections: 0 });
    manager.close();
    await manager.shutdown();
  });

  test('is found at the next attempt, when it is free again', async () => {
    const holder = newManager();
    const port = portOf(holder);
    await expect(newManager({ port }).ready()).rejects.toMatchObject({ code: 'EADDRINUSE' });
    holder.close();
    await expect(newManager({ port }).ready()).resolves.toMatchObject({ port });
  });

  test('ends a service that neither listens to errors nor called ready()', async () => {
    const port = await takenPort();
    const { code, errors } = await runNode(`
      import { WebSocketManager } from '@libs/messaging';
      new WebSocketManager({ port: ${port}, host: '127.0.0.1' });
    `);
    expect(code).toBe(1);
    expect(errors).toContain(`Error: listen EADDRINUSE: address already in use 127.0.0.1:${port}`);
  });

  test.for(['.on("error", () => {})', '.ready().catch(() => {})'])(
    'does not end a service that has %s, and holds no process',
    async (handled) => {
      const port = await takenPort();
      const { code, errors } = await runNode(`
        import { WebSocketManager } from '@libs/messaging';
        new WebSocketManager({ port: ${port}, host: '127.0.0.1' })${handled};
      `);
      expect({ code, errors }).toEqual({ code: 0, errors: '' });
    },
  );
});

test('an address that this machine does not have is a fault too', async () => {
  // TEST-NET-3 (RFC 5737) belongs to nobody.
  const manager = newManager({ host: '203.0.113.1' });
  await expect(manager.ready()).rejects.toMatchObject({
    code: 'EADDRNOTAVAIL',
    address: '203.0.113.1',
  });
});

describe('close()', () => {
  test('ends connections with 1001 and forgets them at once', async () => {
    const manager = await openManager();
    const client = await connectClient(manager, { userId: 'ann' });
    await client.join('r');
    await client.subscribe('t');
    manager.close();
    expect(manager.getConnectionCount()).toBe(0);
    expect(manager.getActiveRooms()).toEqual([]);
    expect(await client.closed).toEqual({ code: 1001, reason: 'Server shutting down' });
  });

  test('lets what was sent before arrive', async () => {
    const manager = await openManager();
    const client = await connectClient(manager);
    for (let i = 0; i < 100; i += 1) manager.broadcast({ type: 'news', payload: i });
    manager.close();
    await client.closed;
    expect(client.pending.map(({ payload }) => payload)).toEqual([...Array(100).keys()]);
  });

  test('frees the port at once: another manager can have it in the same tick', async () => {
    const first = await openManager();
    const port = portOf(first);
    const client = await connectClient(first);
    first.close();
    const second = newManager({ port });
    expect(second.address()?.port).toBe(port);
    const other = await connectClient(second);
    expect(second.getConnectionCount()).toBe(1);
    expect(await client.closed).toMatchObject({ code: 1001 });
    expect(other.pending).toEqual([]);
  });

  test('frees it as well before it ever listened, fifty times in one tick', () => {
    const port = portOf(newManager());
    const ports: unknown[] = [];
    let manager = newManager();
    const own = portOf(manager);
    for (let i = 0; i < 50; i += 1) {
      manager.close();
      manager = newManager({ port: own });
      ports.push(manager.address()?.port);
    }
    expect(new Set(ports)).toEqual(new Set([own]));
    expect(own).not.toBe(port);
  });

  test('refuses new connections', async () => {
    const manager = await openManager();
    const port = portOf(manager);
    expect(await knock(port)).toBe('open');
    manager.close();
    expect(await knock(port)).toBe('ECONNREFUSED');
  });

  test('ends handshakes that are under way', async () => {
    const manager = await openManager();
    const socket = connect(portOf(manager), '127.0.0.1');
    socket.on('error', () => {});
    socket.write('GET /ws HTTP/1.1\r\n');
    // One that came later is accepted, so that this one is too.
    await connectClient(manager);
    manager.close();
    await once(socket.resume(), 'close');
  });

  test('may be called again, from anywhere, and does nothing then', async () => {
    const manager = await openManager();
    const disconnects: unknown[] = [];
    manager.on('disconnect', () => disconnects.push(manager.close()));
    const client = await connectClient(manager);
    manager.close();
    manager.close();
    await client.closed;
    await manager.shutdown();
    manager.close();
    expect(disconnects).toEqual([undefined]);
  });

  test('may be called by a listener of the events that it follows', async () => {
    const manager = newManager();
    manager.on('listening', () => manager.close());
    await once(manager, 'listening');
    expect(manager.address()).toBeNull();
  });
});

test('after close() every call answers as for a server without connections', async () => {
  const manager = await openManager();
  const { connectionId: id } = await connectClient(manager, { userId: 'ann' });
  manager.close();
  expect(manager.address()).toBeNull();
  expect(manager.sendToConnection(id, MESSAGE)).toBe(false);
  expect(manager.sendToUser('ann', MESSAGE)).toBe(0);
  expect(manager.sendToRoom('r', MESSAGE)).toBe(0);
  expect(manager.broadcastToTopic('t', MESSAGE)).toBe(0);
  expect(manager.broadcast(MESSAGE)).toBe(0);
  expect(manager.joinRoom(id, 'r')).toBe(false);
  expect(manager.leaveRoom(id, 'r')).toBe(false);
  expect(manager.subscribe(id, 't')).toBe(false);
  expect(manager.unsubscribe(id, 't')).toBe(false);
  expect(manager.disconnect(id)).toBe(false);
  expect(manager.getConnectionCount()).toBe(0);
  expect(manager.getActiveRooms()).toEqual([]);
  expect(manager.getActiveTopics()).toEqual([]);
  expect(manager.getRoomMembers('r')).toEqual([]);
  expect(manager.getTopicSubscribers('t')).toEqual([]);
  expect(manager.getUserConnections('ann')).toEqual([]);
  expect(manager.getConnection(id)).toBeUndefined();
  expect(manager.getConnections()).toEqual([]);
  expect(manager.getStats()).toMatchObject({ connections: 0, users: 0, rooms: 0, topics: 0 });
  await expect(manager.request(id, MESSAGE)).rejects.toMatchObject({
    code: 'ERR_CONNECTION_CLOSED',
  });
  await expect(manager.ready()).resolves.toMatchObject({ address: '127.0.0.1' });
});

test('a manager that was closed in the tick of its constructor takes nothing back', async () => {
  const manager = endAfterTest(new WebSocketManager({ port: 0, host: '127.0.0.1' }));
  const port = portOf(manager);
  manager.close();
  expect(await knock(port)).toBe('ECONNREFUSED');
});

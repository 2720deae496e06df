/**
 * Elysia apps to attach to, and what is tested under either adapter. The two must not meet in one process: the
 * older one puts a `Response` of its own in the place of the global one, by which the other knows its answers.
 */
import { once } from 'node:events';
import type { IncomingMessage, Server } from 'node:http';
import { WebSocketManager, type WebSocketConfig } from '@libs/messaging';
import { describe, expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import { httpServer, portOf } from './http-servers.js';
import { endAfterTest } from './test-manager.js';

/** What is used of an app; the two versions have types of their own. */
export interface App {
  handle: unknown;
  get(path: string, answer: () => string): App;
  ws(path: string, options: object): App;
  listen(at: number | { port: number; hostname: string }, call?: (info: Info) => void): App;
}

/** What the adapter gives to the callback of `listen`. */
export interface Info {
  raw: { node?: { server: Server } };
  stop(): void;
}

/** An app of this class with this adapter, and one route. */
export function newApp(Class: unknown, node: () => unknown): App {
  const app = new (Class as new (options: object) => App)({ adapter: node() });
  return app.get('/health', () => 'ok');
}

/** A port that was free a moment ago, since apps do not tell which one they were given. */
export async function freePort(): Promise<number> {
  const server = await httpServer();
  const port = portOf(server);
  server.close();
  await once(server, 'close');
  return port;
}

/** Lets it listen, as `app.listen(port)` returns it. It ends with the test. */
export function start(app: App, at: Parameters<App['listen']>[0]): App {
  return app.listen(at, (info) => {
    onTestFinished(() => info.stop());
  });
}

/** An app that listens. */
export async function started(app: App): Promise<{ app: App; port: number }> {
  const port = await freePort();
  start(app, port);
  await up(port);
  return { app, port };
}

// Without keep-alive, which would hold up the end of a server.
export const health = async (port: number) =>
  (await fetch(`http://localhost:${port}/health`, { headers: { Connection: 'close' } })).text();

/** Waits until an app listens, which the adapter 1.3 does twice. */
export async function up(port: number): Promise<void> {
  await expect.poll(() => health(port).catch(() => '')).toBe('ok');
}

export function attach(app: App, config?: WebSocketConfig): WebSocketManager {
  const manager = endAfterTest(WebSocketManager.fromHttpServer(app, config));
  manager.on('message', (message, { id }) => {
    manager.sendToConnection(id, message);
  });
  return manager;
}

/** Connects, has an echo of what it sends, and leaves. Returns all that came. */
export async function talk(port: number, path: string, greeted = true): Promise<string[]> {
  const socket = new WebSocket(`ws://localhost:${port}${path}`);
  const messages: string[] = [];
  const say = () => socket.send('{"type":"chat"}');
  if (!greeted) socket.on('open', say);
  socket.on('message', (data) => {
    const { type } = JSON.parse(String(data));
    messages.push(type);
    if (type === 'connection') say();
    else socket.close(4000);
  });
  expect((await once(socket, 'close'))[0]).toBe(4000);
  return messages;
}

/** The status with which a handshake is refused. */
export async function refused(port: number, path: string): Promise<number | undefined> {
  const socket = new WebSocket(`ws://localhost:${port}${path}`);
  const [, response] = await once(socket, 'unexpected-response');
  socket.on('error', () => {});
  socket.terminate();
  return (response as IncomingMessage).statusCode;
}

export const unsupported = (text: RegExp) =>
  expect.objectContaining({
    name: 'TypeError',
    code: 'ERR_UNSUPPORTED_SERVER',
    message: expect.stringMatching(text),
  });

export function testElysia(name: string, make: () => App): void {
  describe(name, () => {
    test('clients connect, the app goes on, and is as before when the manager is closed', async () => {
      const app = make();
      const { handle } = app;
      const port = await freePort();
      const manager = attach(start(app, port), { path: '/live' });
      await manager.ready();
      await up(port);
      expect(await talk(port, '/live?token=x')).toEqual(['connection', 'chat']);
      expect(await health(port)).toBe('ok');
      expect(await refused(port, '/other')).toBe(404);
      expect(manager.getStats().totalConnections).toBe(1);

      manager.close();
      expect(manager.address()).toBeNull();
      expect(app.handle).toBe(handle);
      expect(await refused(port, '/live')).toBe(404);
      expect(await health(port)).toBe('ok');
    });

    test('an app that has listened for long is attached to at once', async () => {
      const { app, port } = await started(make());
      await attach(app).ready();
      expect(await talk(port, '/ws')).toEqual(['connection', 'chat']);
    });

    test('several managers have paths of their own, which are free again when they are closed', async () => {
      const { app, port } = await started(make());
      const { handle } = app;
      const managers = ['/a', '/b'].map((path) => attach(app, { path }));
      const [first, second] = managers as [WebSocketManager, WebSocketManager];
      expect(() => attach(app, { path: '/a' })).toThrow(
        expect.objectContaining({ code: 'ERR_PATH_IN_USE' }),
      );
      for (const path of ['/a', '/b']) await talk(port, path);
      first.close();
      expect(await refused(port, '/a')).toBe(404);
      await talk(port, '/b');
      const last = attach(app, { path: '/a' });
      await Promise.all([last.ready(), second.ready()]);
      second.close();
      expect(await talk(port, '/a')).toEqual(['connection', 'chat']);
      last.close();
      expect(app.handle).toBe(handle);
      expect(await refused(port, '/a')).toBe(404);
    });

    test('a manager that is closed before it is ready', async () => {
      const app = start(make(), await freePort());
      const manager = attach(app);
      const ready = manager.ready();
      manager.close();
      await expect(ready).rejects.toMatchObject({ code: 'ERR_MANAGER_CLOSED' });
    });
  });
}

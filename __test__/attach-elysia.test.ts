/**
 * A manager that is attached to an Elysia app on Node, under the current adapter: it hands the app its upgrades
 * and hides the http server.
 */
import { once } from 'node:events';
import { get } from 'node:http';
import { text as readText } from 'node:stream/consumers';
import { node } from '@elysiajs/node';
import { WebSocketManager } from '@libs/messaging';
import { connectClient } from '@libs/messaging/testing';
import { Elysia } from 'elysia';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import {
  type App,
  attach,
  freePort,
  type Info,
  newApp,
  refused,
  started,
  talk,
  testElysia,
  unsupported,
} from './support/elysia-apps.js';
import { endAfterTest, nextEvent } from './support/test-manager.js';

const current = () => newApp(Elysia, node);

testElysia('Elysia 1.4 and its adapter 1.4', current);

describe('the adapter 1.4', () => {
  test("the app's own ws routes go on, beside a manager and after it", async () => {
    const app = current().ws('/own', {
      message(socket: { send(text: string): void }) {
        socket.send('{"type":"own"}');
      },
    });
    const { port } = await started(app);
    const manager = attach(app);
    const [ours, own] = await Promise.all([talk(port, '/ws'), talk(port, '/own', false)]);
    expect([ours, own]).toEqual([['connection', 'chat'], ['own']]);
    manager.close();
    expect(await talk(port, '/own', false)).toEqual(['own']);
  });

  test("a request for another protocol at the path is the app's, as without a manager", async () => {
    const { app, port } = await started(current().get('/ws', () => 'plain'));
    attach(app);
    const headers = { Connection: 'Upgrade', Upgrade: 'h2c' };
    const [response] = await once(get({ port, path: '/ws', headers, agent: false }), 'response');
    expect(await readText(response)).toBe('plain');
  });

  test('where it listens is unknown until the first upgrade, of whatever path', async () => {
    const { app, port } = await started(current());
    const lines: string[] = [];
    const log = (line: string) => lines.push(line);
    const logger = { info: log, warn: log, error: log };
    const manager = attach(app, { logger, authenticate: () => null });
    const heard = nextEvent(manager, 'listening');
    const unknown = { address: '', family: '', port: 0 };
    expect(await manager.ready()).toEqual(unknown);
    expect(await heard).toEqual([unknown]);
    expect(lines).toEqual(['WebSocket server is attached to the server that listens']);
    expect(manager.address()).toBeNull();
    await expect(connectClient(manager)).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' });

    expect(await refused(port, '/other')).toBe(404);
    expect(manager.address()).toMatchObject({ port });
    expect(await manager.ready()).toEqual(manager.address());
    await connectClient(manager);
  });

  test('what the callback of listen() is given tells it at once', async () => {
    const app = current();
    const port = await freePort();
    const info = await new Promise<Info>((resolve) => app.listen(port, resolve));
    onTestFinished(() => info.stop());
    const manager = endAfterTest(WebSocketManager.fromHttpServer(info));
    expect(await manager.ready()).toMatchObject({ port });
    await connectClient(manager);
  });

  test('an app that listens later', async () => {
    const app = current();
    await attach(app).ready();
    const { port } = await started(app);
    expect(await talk(port, '/ws')).toEqual(['connection', 'chat']);
  });

  test('who wraps handle() after us keeps the wrap, and we let everything through', async () => {
    const { app, port } = await started(current());
    const manager = attach(app);
    const ours = app.handle as (...args: unknown[]) => unknown;
    const theirs = vi.fn((...args: unknown[]) => ours.apply(app, args));
    app.handle = theirs;
    manager.close();
    expect(app.handle).toBe(theirs);
    expect(await refused(port, '/ws')).toBe(404);
    expect(theirs).toHaveBeenCalledTimes(1);
  });
});

test('an app without the adapter for Node is refused', () => {
  expect(() => attach(new Elysia() as unknown as App)).toThrow(unsupported(/without the adapter/));
});

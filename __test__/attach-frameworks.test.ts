/**
 * A manager that is attached to the server of a framework: its clients are served, and the framework's own
 * routes answer, beside it and after it. Elysia has a file of its own.
 */
import { createServer, type Server } from 'node:http';
import { serve } from '@hono/node-server';
import { WebSocketManager } from '@libs/messaging';
import { connectClient } from '@libs/messaging/testing';
import express from 'express';
import fastify from 'fastify';
import { Hono } from 'hono';
import Koa from 'koa';
import { describe, expect, onTestFinished, test } from 'vitest';
import { endAfterTest } from './support/test-manager.js';
import { startNest } from './support/nest-app.js';

/** What a user gives to `fromHttpServer`, and how to end it. */
interface Started {
  server: object;
  end: () => unknown;
}

const HOST = '127.0.0.1';

const ending = (server: Server | ReturnType<typeof serve>): Started => ({
  server,
  end: () => server.close(),
});

const FRAMEWORKS: Record<string, () => Started | Promise<Started>> = {
  'Express, by what listen() returns': () => {
    const app = express();
    app.get('/health', (_, response) => response.send('ok'));
    return ending(app.listen(0, HOST));
  },
  "Express, by a server of one's own": () => {
    const app = express();
    app.get('/health', (_, response) => response.send('ok'));
    return ending(createServer(app).listen(0, HOST));
  },
  'Fastify, by its instance': async () => {
    const app = fastify().get('/health', async () => 'ok');
    await app.listen({ port: 0, host: HOST });
    return { server: app, end: () => app.close() };
  },
  'Fastify, by its server': async () => {
    const app = fastify().get('/health', async () => 'ok');
    await app.listen({ port: 0, host: HOST });
    return { server: app.server, end: () => app.close() };
  },
  'Fastify, before it listens': () => {
    const app = fastify().get('/health', async () => 'ok');
    void app.listen({ port: 0, host: HOST });
    return { server: app, end: () => app.close() };
  },
  Koa: () => {
    const app = new Koa();
    app.use((context) => {
      if (context.path === '/health') context.body = 'ok';
    });
    return ending(app.listen(0, HOST));
  },
  'Nest, by getHttpServer()': async () => {
    const app = await startNest(HOST);
    return { server: app.getHttpServer(), end: () => app.close() };
  },
  'Hono, by what serve() of its node server returns': () => {
    const app = new Hono().get('/health', (context) => context.text('ok'));
    return ending(serve({ fetch: app.fetch, port: 0, hostname: HOST }));
  },
};

test.for(Object.entries(FRAMEWORKS))('%s', async ([, start]) => {
  const { server, end } = await start();
  onTestFinished(async () => {
    await end();
  });
  const manager = endAfterTest(WebSocketManager.fromHttpServer(server, { path: '/live' }));
  manager.on('message', (message, { id }) => {
    manager.sendToConnection(id, message);
  });
  const { port } = await manager.ready();
  // Without keep-alive, which would hold up the framework's end.
  const health = async () =>
    (await fetch(`http://${HOST}:${port}/health`, { headers: { Connection: 'close' } })).text();

  const client = await connectClient(manager);
  client.send({ type: 'chat', payload: 1 });
  expect((await client.next('chat')).payload).toBe(1);
  expect(await health()).toBe('ok');

  manager.close();
  expect((await client.closed).code).toBe(1001);
  expect(await health()).toBe('ok');
});

test('an app that is no server, unlike what its listen() returns, is refused', () => {
  for (const server of [express(), new Koa(), new Hono()]) {
    expect(() => WebSocketManager.fromHttpServer(server)).toThrow(
      expect.objectContaining({ code: 'ERR_UNSUPPORTED_SERVER' }),
    );
  }
});

describe("a framework's own close(), with a hook that shuts the manager down", () => {
  async function expectToEnd(app: { close(): PromiseLike<unknown> }, manager: WebSocketManager) {
    const client = await connectClient(manager);
    await app.close();
    expect((await client.closed).code).toBe(1001);
  }

  test('Fastify: preClose', async () => {
    const app = fastify();
    const manager = endAfterTest(WebSocketManager.fromHttpServer(app));
    app.addHook('preClose', () => manager.shutdown());
    await app.listen({ port: 0, host: HOST });
    await expectToEnd(app, manager);
  });

  test.for(['beforeApplicationShutdown', 'onModuleDestroy'])('Nest: %s', async (hook) => {
    const end = { [hook]: () => manager.shutdown() };
    const app = await startNest(HOST, end);
    const manager = endAfterTest(WebSocketManager.fromHttpServer(app.getHttpServer()));
    await expectToEnd(app, manager);
  });
});

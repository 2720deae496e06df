/**
 * A manager that is attached to an Elysia app on Node, under the adapter 1.3, which goes with Elysia 1.3 and 1.4:
 * it hands over no upgrades, and replaces its http server by another.
 */
import { Elysia } from 'elysia';
import { Elysia as Elysia13 } from 'elysia-1.3';
import { node } from 'elysia-node-1.3';
import { expect, test } from 'vitest';
import {
  attach,
  freePort,
  newApp,
  start,
  started,
  testElysia,
  unsupported,
} from './support/elysia-apps.js';
import { fetchText, httpServer } from './support/http-servers.js';

// The adapter needs Node 22 because of this alone; so it is tested on Node 20 too.
type WithResolvers = typeof Promise & { withResolvers?: () => object };
(Promise as WithResolvers).withResolvers ??= () => {
  const parts = {};
  const promise = new Promise((resolve, reject) => Object.assign(parts, { resolve, reject }));
  return Object.assign(parts, { promise });
};

const previous = () => newApp(Elysia, node);

testElysia('Elysia 1.4 and its adapter 1.3', previous);
testElysia('Elysia 1.3 and its adapter 1.3', () => newApp(Elysia13, node));

test('where it listens is known when it does', async () => {
  const port = await freePort();
  // A name has to be looked up first, so that it does not listen within this turn.
  const manager = attach(start(previous(), { port, hostname: 'localhost' }));
  expect(manager.address()).toBeNull();
  expect(await manager.ready()).toMatchObject({ port });
  expect(manager.address()).toEqual(await manager.ready());
});

test('other servers of the process are left alone', async () => {
  const { app } = await started(previous());
  await attach(app).ready();
  const other = await httpServer();
  expect(await fetchText(other)).toBe('hello');
  expect(other.listenerCount('upgrade')).toBe(0);
});

test('an app that does not listen is refused, since nothing would tell when it does', () => {
  expect(() => attach(previous())).toThrow(unsupported(/does not listen/));
});

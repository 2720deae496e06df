/**
 * The demo as a person uses it: the service as a process of its own, its page in two windows of a real
 * Chromium, and what it answers to requests and messages that no page of its own would send.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { EmbeddedKafka, Kafka } from '@libs/messaging';
import { type Browser, chromium, type Locator, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { WebSocket } from 'ws';

declare module 'vitest' {
  interface TaskMeta {
    skipReason?: string;
  }
}

const SERVER = fileURLToPath(new URL('../demo/server.mjs', import.meta.url));
const CHROMIUM = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium';
const CHROMIUM_ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
/** Time for one condition; a machine that also compiles is slow. */
const PATIENCE = 20_000;
vi.setConfig({ testTimeout: 3 * PATIENCE, hookTimeout: 3 * PATIENCE });

interface Demo {
  process: ChildProcess;
  url: string;
}

const environment = (port: number, kafkaBrokers: string) => ({
  ...process.env,
  DEMO_PORT: String(port),
  DEMO_HOST: '',
  DEMO_WS_PORT: '',
  KAFKA_BROKERS: kafkaBrokers,
});

/** Starts the demo and reads its address from the line that a person would click. */
async function startDemo(port = 0, kafkaBrokers = ''): Promise<Demo> {
  const child = spawn(process.execPath, [SERVER], {
    env: environment(port, kafkaBrokers),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  return await new Promise((resolve, reject) => {
    // The listener stays, so that the demo never waits for somebody to read what it prints.
    child.stdout.on('data', (chunk) => {
      output += chunk;
      const url = /^Demo: (http:\/\/\S+)$/m.exec(output)?.[1];
      if (url) resolve({ process: child, url });
    });
    child.once('exit', () => reject(new Error(`The demo ended without an address: ${output}`)));
  });
}

async function stopDemo(demo: Demo, signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
  if (demo.process.exitCode !== null) return demo.process.exitCode;
  const exit = once(demo.process, 'exit');
  demo.process.kill(signal);
  const [code] = await exit;
  return code;
}

/** A request whose path goes out as it is, where fetch would tidy it up. */
async function get(url: string, path: string, method = 'GET') {
  const { hostname, port } = new URL(url);
  const outgoing = request({ hostname, port, path, method }).end();
  const [response] = await once(outgoing, 'response');
  let body = '';
  for await (const chunk of response) body += chunk;
  return { status: response.statusCode, headers: response.headers, body };
}

/** An event by http, as another service sends it. */
async function postEvent(url: string, event: unknown, type = 'application/json') {
  const body = typeof event === 'string' ? event : JSON.stringify(event);
  const headers = { 'Content-Type': type };
  const response = await fetch(`${url}/events`, { method: 'POST', headers, body });
  return { status: response.status, body: await response.json() };
}

const part = (page: Page, testId: string) => page.getByTestId(testId);

const textOf = async (locator: Locator) => (await locator.textContent())?.trim();

/** Waits until an element's text is, or matches, what is expected. */
const expectText = (page: Page, testId: string) =>
  expect.poll(() => textOf(part(page, testId)), { timeout: PATIENCE });

/** Waits until a message with exactly this text stands in the open conversation. */
const expectMessage = (page: Page, text: string) =>
  part(page, 'messages').getByText(text, { exact: true }).waitFor({ timeout: PATIENCE });

describe('the demo service', () => {
  let demo: Demo;

  beforeAll(async () => {
    demo = await startDemo();
  });

  afterAll(() => stopDemo(demo));

  test('serves the page under a strict policy, and tells where the sockets are', async () => {
    const page = await get(demo.url, '/');
    expect(page.status).toBe(200);
    expect(page.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(page.headers['content-security-policy']).toContain("default-src 'none'");
    expect(page.headers['content-security-policy']).toContain("script-src 'self';");
    expect(page.headers['x-content-type-options']).toBe('nosniff');

    const script = await get(demo.url, '/app.js?v=1');
    expect(script.headers['content-type']).toBe('text/javascript; charset=utf-8');

    const config = JSON.parse((await get(demo.url, '/config.json')).body);
    expect(config.url).toMatch(/^ws:\/\/127\.0\.0\.1:\d+\/ws$/);
  });

  test.each([
    '/../server.mjs',
    '/%2e%2e/server.mjs',
    '/../../package.json',
    '/page/',
    '//app.js',
    '/.',
  ])('has no file at %s', async (path) => {
    expect((await get(demo.url, path)).status).toBe(404);
  });

  test('answers other methods with 405', async () => {
    const answer = await get(demo.url, '/', 'POST');
    expect(answer.status).toBe(405);
    expect(answer.headers.allow).toBe('GET, HEAD');
  });

  test('takes events by http, and tells where Kafka has them', async () => {
    const place = {
      topic: 'messaging-demo-events',
      partition: expect.any(Number),
      offset: expect.stringMatching(/^\d+$/),
    };
    const [first, second] = [
      await postEvent(demo.url, { to: 'nobody', text: 'hi' }),
      await postEvent(demo.url, { to: 'nobody', text: 'hi' }),
    ];
    expect([first, second]).toEqual([
      { status: 201, body: place },
      { status: 201, body: place },
    ]);
    expect(second.body.partition).toBe(first.body.partition);
    expect(Number(second.body.offset)).toBeGreaterThan(Number(first.body.offset));
  });

  test.each<[unknown, string, number]>([
    [{ text: '' }, 'application/json', 400],
    [{ to: 7, text: 'hi' }, 'application/json', 400],
    [null, 'application/json', 400],
    ['{', 'application/json', 400],
    [{ text: 'hi' }, 'text/plain', 415],
    [{ text: 'x'.repeat(20_000) }, 'application/json', 413],
  ])('refuses the event %j as %s', async (event, type, status) => {
    expect((await postEvent(demo.url, event, type)).status).toBe(status);
  });

  test('has no events to read', async () => {
    const answer = await get(demo.url, '/events');
    expect(answer.status).toBe(405);
    expect(answer.headers.allow).toBe('POST');
  });

  test('refuses what it cannot use, with a code, and the connection lives on', async () => {
    const { url } = JSON.parse((await get(demo.url, '/config.json')).body);
    const client = new WebSocket(url);
    const answers = new Map<string, (message: unknown) => void>();
    client.on('message', (data) => {
      const message = JSON.parse(String(data));
      answers.get(message.id)?.(message);
    });
    await once(client, 'open');

    let id = 0;
    const ask = (type: unknown, payload?: unknown) =>
      new Promise((resolve) => {
        answers.set(String(++id), resolve);
        client.send(JSON.stringify({ type, payload, id: String(id) }));
      });
    const refused = (type: string, code: string) =>
      expect.objectContaining({ type: 'error', payload: expect.objectContaining({ type, code }) });

    expect(await ask('chat', { room: 'r', text: 'hi' })).toEqual(refused('chat', 'NOT_LOGGED_IN'));
    expect(await ask('authenticate', { userId: 'eve' })).toMatchObject({ type: 'authenticated' });
    expect(await ask('chat', { room: 'r', text: 'hi' })).toEqual(refused('chat', 'NOT_A_MEMBER'));
    expect(await ask('join_room', { room: 'r' })).toMatchObject({ type: 'joined_room' });
    for (const text of [undefined, null, 7, '', '   ', 'x'.repeat(2001)]) {
      expect(await ask('chat', { room: 'r', text })).toEqual(refused('chat', 'INVALID_PAYLOAD'));
    }
    expect(await ask('publish', null)).toEqual(refused('publish', 'INVALID_PAYLOAD'));
    expect(await ask('direct', null)).toEqual(refused('direct', 'INVALID_PAYLOAD'));
    expect(await ask('direct', { to: 'x'.repeat(33), text: 'hi' })).toEqual(
      refused('direct', 'INVALID_PAYLOAD'),
    );
    expect(await ask('constructor')).toEqual(refused('constructor', 'UNKNOWN_TYPE'));
    for (const type of [{ toString: 1 }, 5]) {
      expect(await ask(type)).toMatchObject({ type: 'error', payload: { code: 'UNKNOWN_TYPE' } });
    }
    expect(await ask('chat', { room: 'r', text: ' hi ' })).toMatchObject({
      type: 'chat_sent',
      payload: { room: 'r', receivers: 1 },
    });

    const closed = once(client, 'close');
    client.send(JSON.stringify({ type: 'authenticate', payload: { userId: 'x'.repeat(33) } }));
    expect((await closed)[0]).toBe(1008);
  });
});

describe('the demo and Kafka', () => {
  test('uses the one at KAFKA_BROKERS, and ends within seconds when that is gone', async () => {
    const embedded = await EmbeddedKafka.start();
    onTestFinished(() => embedded.close());
    const demo = await startDemo(0, embedded.brokers.join(','));
    onTestFinished(() => {
      demo.process.kill('SIGKILL');
    });
    const { body } = await postEvent(demo.url, { to: 'ada', text: 'hi' });

    const consumer = new Kafka({ brokers: embedded.brokers, logLevel: 0 }).consumer({
      groupId: 'readers',
    });
    onTestFinished(() => consumer.disconnect());
    await consumer.connect();
    await consumer.subscribe({ topic: body.topic, fromBeginning: true });
    const event = await new Promise((resolve) => {
      consumer.run({
        eachMessage: async ({ partition, message }) => {
          if (partition === body.partition && message.offset === body.offset) {
            resolve(JSON.parse(String(message.value)));
          }
        },
      });
    });
    expect(event).toMatchObject({ userId: 'ada', payload: { from: 'http', text: 'hi' } });

    await embedded.close();
    const start = performance.now();
    expect(await stopDemo(demo, 'SIGINT')).toBe(0);
    expect(performance.now() - start).toBeLessThan(10_000);
  });

  test('says that there is none, and fails', async () => {
    const child = spawn(process.execPath, [SERVER], {
      env: environment(0, '127.0.0.1:1'),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const [output, errors, [code]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'exit'),
    ]);
    expect({ code, output }).toEqual({ code: 1, output: '' });
    expect(errors).toMatch(
      /^The demo cannot run: .*KAFKA_BROKERS=127\.0\.0\.1:1: .*ECONNREFUSED.*\n$/,
    );
  });
});

// Where everything is required, the missing browser fails the tests; elsewhere they are skipped, and
// the summary of `npm test` prints the reason.
const skipped = !existsSync(CHROMIUM) && process.env.TEST_REQUIRE !== 'all';
const skipReason = `there is no Chromium at ${CHROMIUM}; CHROMIUM_PATH names another`;

describe('the demo page', { skip: skipped, meta: skipped ? { skipReason } : {} }, () => {
  let demo: Demo;
  let browser: Browser;
  let ada: Page;
  let bob: Page;
  const faults: string[] = [];

  const openPage = async () => {
    const page = await (await browser.newContext()).newPage();
    page.setDefaultTimeout(PATIENCE);
    page.on('pageerror', (error) => faults.push(String(error)));
    page.on('console', (message) => {
      if (message.text().includes('Content Security Policy')) faults.push(message.text());
    });
    await page.goto(demo.url);
    return page;
  };

  const logIn = async (page: Page, user: string) => {
    await part(page, 'login-user').fill(user);
    await part(page, 'login-submit').click();
    await expectText(page, 'my-name').toBe(user);
    await expectText(page, 'connection-state').toBe('Connected');
  };

  const join = async (page: Page, room: string) => {
    await part(page, 'room-input').fill(room);
    await part(page, 'room-join').click();
    await expectText(page, 'conversation-title').toBe(`#${room}`);
  };

  beforeAll(async () => {
    demo = await startDemo();
    browser = await chromium.launch({ executablePath: CHROMIUM, args: CHROMIUM_ARGUMENTS });
    [ada, bob] = await Promise.all([openPage(), openPage()]);
  });

  afterAll(async () => {
    await browser?.close();
    if (demo) await stopDemo(demo);
  });

  test('logs two users in', async () => {
    await logIn(ada, 'ada');
    await logIn(bob, 'bob');
  });

  test('shows who is in a room', async () => {
    await join(ada, 'engine-room');
    await join(bob, 'engine-room');
    for (const page of [ada, bob]) {
      await expectText(page, 'room-members').toBe('2 members: ada, bob');
    }
    await expectMessage(ada, 'bob joined');
  });

  test('carries chat to the other page, as text', async () => {
    const text = 'Hello <img src=x onerror=alert(1)> & <b>bold</b>';
    await part(ada, 'chat-input').fill(text);
    await part(ada, 'chat-input').press('Enter');
    await expectMessage(bob, text);
    await expectMessage(ada, text);
    expect(await part(bob, 'messages').locator('img, b:has-text("bold")').count()).toBe(0);
    await expectText(ada, 'composer-status').toBe('Sent to 2 connections');
  });

  test('carries a direct message, and tells when nobody is there', async () => {
    const write = async (to: string, text: string) => {
      await part(ada, 'direct-to').fill(to);
      await part(ada, 'direct-open').click();
      await part(ada, 'direct-text').fill(text);
      await part(ada, 'direct-send').click();
      await expectMessage(ada, text);
    };
    await write('bob', 'Only for you');
    await expectText(ada, 'composer-status').toBe('Delivered to bob');
    const row = part(bob, 'directs').getByRole('button', { name: 'ada' });
    await expect.poll(() => textOf(row), { timeout: PATIENCE }).toMatch(/1$/);
    await row.click();
    await expectMessage(bob, 'Only for you');

    await write('nobody', 'Are you there?');
    await expectMessage(ada, 'Not delivered: nobody is not online');
  });

  test('brings an event through Kafka to the page of its user', async () => {
    const event = (page: Page, text: string) =>
      part(page, 'events').getByRole('listitem').filter({ hasText: text });
    await part(ada, 'event-to').fill('bob');
    await part(ada, 'event-text').fill('For bob <b>alone</b>');
    await part(ada, 'event-publish').click();
    await expectText(ada, 'event-status').toMatch(/^Written to partition \d+, offset \d+$/);
    const place = (await textOf(part(ada, 'event-status')))?.replace('Written to ', '');
    await event(bob, `ada: For bob <b>alone</b>${place}`).waitFor();

    const posted = await postEvent(demo.url, { to: 'ada', text: 'From a service' });
    const { partition, offset } = posted.body;
    await event(ada, `http: From a servicepartition ${partition}, offset ${offset}`).waitFor();

    // What is for all comes behind what was for one of them.
    await part(bob, 'event-text').fill('For all');
    await part(bob, 'event-text').press('Enter');
    for (const page of [ada, bob]) await event(page, 'bob: For all').waitFor();
    expect(await event(ada, 'For bob').count()).toBe(0);
    expect(await event(bob, 'From a service').count()).toBe(0);
  });

  test('shows where the last events stand in Kafka', async () => {
    await expectText(ada, 'kafka-topic').toBe('Topic messaging-demo-events');
    await expectText(ada, 'kafka-where').toBe('embedded');
    await expectText(ada, 'kafka-lag').toMatch(/^\d+$/);
    const rows = part(ada, 'kafka-last').locator('tr');
    for (const kind of ['metrics', 'stats', 'notification']) {
      await rows.filter({ hasText: new RegExp(`^${kind}\\d+$`) }).waitFor();
    }
    const consumed = async () => Number(await textOf(part(ada, 'kafka-consumed')));
    const before = await consumed();
    await expect.poll(consumed, { timeout: PATIENCE }).toBeGreaterThan(before);
  });

  test('feeds figures that change', async () => {
    for (const testId of ['metric-cpu', 'metric-memory', 'metric-loop', 'stats-rate-out']) {
      await expectText(ada, testId).toMatch(/^\d+(\.\d)?$/);
    }
    const chart = ada.locator('#cpu-chart path.line');
    const figures = async () => [
      await textOf(ada.locator('#machine')),
      await chart.getAttribute('d'),
    ];
    const [text, line] = await figures();
    await expect.poll(async () => (await figures())[0], { timeout: PATIENCE }).not.toBe(text);
    await expect.poll(async () => (await figures())[1], { timeout: PATIENCE }).not.toBe(line);
  });

  test('counts its connections, users and rooms', async () => {
    await expectText(bob, 'stats-connections').toBe('2');
    await expectText(bob, 'stats-users').toBe('2');
    await expectText(bob, 'stats-rooms').toBe('2');
    await expectText(bob, 'stats-topics').toBe('4');
  });

  test('stops and starts the feed with its subscription', async () => {
    const number = part(bob, 'metric-cpu');
    for (const page of [ada, bob]) await part(page, 'topic-metrics').click();
    await number.waitFor({ state: 'hidden' });
    await expectText(bob, 'stats-topics').toBe('3');
    await part(bob, 'topic-metrics').press('Space');
    await number.waitFor();
    await expectText(bob, 'stats-topics').toBe('4');
  });

  test('leaves a room', async () => {
    await bob.getByRole('button', { name: /^engine-room/ }).click();
    await part(bob, 'room-leave').click();
    await expectText(bob, 'conversation-title').toBe('#lobby');
    await ada.getByRole('button', { name: /^engine-room/ }).click();
    await expectText(ada, 'room-members').toBe('1 member: ada');
    await expectMessage(ada, 'bob left');
  });

  test.each(['light', 'dark'] as const)('fits a phone, %s', async (colorScheme) => {
    await bob.emulateMedia({ colorScheme });
    await bob.setViewportSize({ width: 360, height: 740 });
    for (const view of ['Rooms', 'Live', 'Chat']) {
      await bob.getByRole('navigation', { name: 'Views' }).getByText(view).click();
      const tooWide = await bob.evaluate(() =>
        [document.documentElement, ...document.querySelectorAll('.pane, .messages')]
          .filter(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth)
          .map((element) => element.className || element.tagName),
      );
      expect(tooWide, view).toEqual([]);
    }
  });

  test('says goodbye on SIGTERM, and its pages come back to the next start', async () => {
    expect(await stopDemo(demo)).toBe(0);
    await expectText(ada, 'connection-state').toBe('Offline');
    await part(ada, 'notice').waitFor();

    demo = await startDemo(Number(new URL(demo.url).port));
    for (const page of [ada, bob]) await expectText(page, 'connection-state').toBe('Connected');
    await part(ada, 'notice').waitFor({ state: 'hidden' });
    await part(ada, 'chat-input').fill('Back again');
    await part(ada, 'chat-send').click();
    await expectText(ada, 'composer-status').toBe('Sent to one connection');
    await expectText(ada, 'stats-connections').toBe('2');
  });

  test('none of it was a fault on the page', () => {
    expect(faults).toEqual([]);
  });
});

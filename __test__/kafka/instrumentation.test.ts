/**
 * Events: their names, what `on` gives, and what listeners are called with.
 */
import kafkajs from 'kafkajs';
import { describe, expect, test, vi } from 'vitest';
import { adminEvents, consumerEvents, producerEvents } from '../../lib/kafka/events.js';
import { Instrumentation } from '../../lib/kafka/instrumentation.js';
import { failureOf, recordingKafka } from './support.js';

const theirs = new kafkajs.Kafka({ brokers: ['a:1'], logLevel: 0 });
const clients = {
  producer: theirs.producer(),
  consumer: theirs.consumer({ groupId: 'g' }),
  admin: theirs.admin(),
};
const events = { producer: producerEvents, consumer: consumerEvents, admin: adminEvents };

function silentLogger() {
  return { ...theirs.logger(), error: vi.fn() };
}

describe.each(['producer', 'consumer', 'admin'] as const)('events of a %s', (kind) => {
  test('have the names that they have in kafkajs', () => {
    expect(events[kind]).toEqual(clients[kind].events);
  });

  test('with another name are refused as there', async () => {
    const ours = new Instrumentation<Record<string, null>>(kind, events[kind], silentLogger());
    for (const name of ['connect', 'x', undefined, 'toString']) {
      const expected = await failureOf(() => clients[kind].on(name as never, () => {}));
      expect(await failureOf(() => ours.on(name as never, () => {}))).toEqual(expected);
    }
  });
});

describe('on()', () => {
  type Payloads = { 'producer.connect': null; 'producer.network.request': { size: number } };
  const newEvents = () => {
    const logger = silentLogger();
    return { logger, events: new Instrumentation<Payloads>('producer', producerEvents, logger) };
  };

  test('calls listeners with an event that is counted, named and timed', () => {
    const { events } = newEvents();
    const heard: unknown[] = [];
    events.on('producer.network.request', (event) => heard.push(event));
    const before = Date.now();
    events.emit('producer.network.request', { size: 1 });
    events.emit('producer.network.request', { size: 2 });
    const [first, second] = heard as { id: number; timestamp: number }[];
    expect(first).toEqual({
      id: expect.any(Number),
      type: 'producer.network.request',
      timestamp: expect.any(Number),
      payload: { size: 1 },
    });
    expect(first?.timestamp).toBeGreaterThanOrEqual(before);
    expect(second?.id).toBe((first?.id as number) + 1);
  });

  test('gives what removes this listener, and no other, also when one is added twice', () => {
    const { events } = newEvents();
    const listener = vi.fn();
    const remove = events.on('producer.connect', listener);
    events.on('producer.connect', listener);
    remove();
    remove();
    events.emit('producer.connect');
    expect(listener).toHaveBeenCalledTimes(1);
    expect(events.has('producer.connect')).toBe(true);
    expect(events.has('producer.network.request')).toBe(false);
  });

  test('logs what listeners throw or reject with, and calls the others', async () => {
    const { events, logger } = newEvents();
    const last = vi.fn();
    const thrown = new Error('thrown');
    const rejected = new Error('rejected');
    events.on('producer.connect', () => {
      throw thrown;
    });
    events.on('producer.connect', (() => Promise.reject(rejected)) as () => void);
    events.on('producer.connect', last);
    events.emit('producer.connect');
    expect(last).toHaveBeenCalledTimes(1);
    await vi.waitFor(() => expect(logger.error).toHaveBeenCalledTimes(2));
    for (const { message, stack } of [thrown, rejected]) {
      expect(logger.error).toHaveBeenCalledWith(`Failed to execute listener: ${message}`, {
        eventName: 'producer.connect',
        stack,
      });
    }
  });
});

test('a producer tells of its connection, each time', async () => {
  const { kafka } = recordingKafka();
  const producer = kafka.producer();
  const heard: string[] = [];
  const listener = ({ type }: { type: string }) => heard.push(type);
  producer.on(producer.events.CONNECT, listener);
  producer.on(producer.events.DISCONNECT, listener);
  await producer.connect();
  await producer.connect();
  await producer.disconnect();
  expect(heard).toEqual(['producer.connect', 'producer.connect', 'producer.disconnect']);
});

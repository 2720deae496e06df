/**
 * Producers and the life of their process: a connected one keeps it, a disconnected one lets it end, and none of
 * them is in the way of any other end.
 */
import { describe, expect, test } from 'vitest';
import { unique, useBroker } from '../support/kafka-broker.ts';
import { runNode } from '../support/node-process.js';
import { readBack } from './read-back.ts';

const broker = useBroker();
const ENDED_BY_ITSELF = { code: 0, signal: null, errors: '' };

/** A service with a connected producer, and what it does then. */
function service(script: string, topic = unique('exit'), ssl = false): string {
  const config = ssl
    ? `{ brokers: ['${broker.brokers.ssl}'], ssl: { ca: readFileSync('${broker.ca}', 'utf8') } }`
    : `{ brokers: ['${broker.brokers.plaintext}'] }`;
  return `
    import { readFileSync } from 'node:fs';
    import { Worker } from 'node:worker_threads';
    import { Kafka } from './dist/kafka/kafka.js';
    const kafka = new Kafka({ logLevel: 0, ...${config} });
    let producer = kafka.producer();
    await producer.connect();
    const send = (value) => producer.send({ topic: '${topic}', messages: [{ value: String(value) }] });
    ${script}
  `;
}

describe('a process', () => {
  test('ends by itself after disconnect()', async () => {
    const script = service('await send(1); await producer.disconnect();');
    expect(await runNode(script)).toMatchObject(ENDED_BY_ITSELF);
  });

  test('ends by itself after a disconnect() that nobody waits for, with all that was sent', async () => {
    const topic = unique('exit');
    const script = service(
      'for (let i = 0; i < 500; i += 1) send(i); producer.disconnect();',
      topic,
    );
    expect(await runNode(script)).toMatchObject(ENDED_BY_ITSELF);
    expect(await readBack(broker.brokers.plaintext, topic, 500)).toHaveLength(500);
  });

  test('ends by itself after a connect() that fails', async () => {
    const script = service(`
      await producer.disconnect();
      const away = new Kafka({ brokers: ['127.0.0.1:1'], logLevel: 0, retry: { retries: 0 } }).producer();
      await away.connect().catch(({ name }) => console.log(name));
    `);
    expect(await runNode(script)).toEqual({
      ...ENDED_BY_ITSELF,
      output: 'KafkaJSNumberOfRetriesExceeded\n',
    });
  });

  test('goes on while a producer is connected, also one that nothing references', async () => {
    const script = service(
      `
      const sent = send(1);
      producer = undefined;
      for (let i = 0; i < 10; i += 1) {
        gc();
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      await sent;
      // Nothing else keeps the process: this timer runs only if the producer does.
      setTimeout(() => { console.log('alive'); process.exit(0); }, 300).unref();
    `,
    );
    const end = await runNode(script, { flags: ['--expose-gc'] });
    expect(end).toEqual({ ...ENDED_BY_ITSELF, output: 'alive\n' });
  });

  test.each([
    ['plaintext', false],
    ['TLS', true],
  ])('ends by process.exit() in the middle of sends over %s', async (_name, ssl) => {
    for (let round = 0; round < 5; round += 1) {
      const script = service(
        `
        for (let i = 0; i < 2000; i += 1) send('x'.repeat(1000)).catch(() => {});
        setTimeout(() => process.exit(3), ${round * 5});
      `,
        unique('exit'),
        ssl,
      );
      const { code, signal, errors } = await runNode(script);
      expect({ code, signal, errors }).toEqual({ code: 3, signal: null, errors: '' });
    }
  });

  test('ends by an uncaught exception', async () => {
    const { code, signal, errors } = await runNode(
      service(`send(1); throw new Error('out of tea');`),
    );
    expect({ code, signal }).toEqual({ code: 1, signal: null });
    expect(errors).toContain('out of tea');
  });

  test('outlives workers that end with a producer of theirs in the middle of sends', async () => {
    const worker = `
      const { parentPort, workerData } = require('node:worker_threads');
      const { Kafka } = require('${process.cwd()}/dist/kafka/kafka.js');
      const producer = new Kafka({ logLevel: 0, brokers: [workerData.broker] }).producer();
      producer.connect().then(() => {
        const again = () =>
          producer.send({ topic: workerData.topic, messages: [{ value: 'x' }] }).then(again, () => {});
        for (let i = 0; i < 20; i += 1) again();
        setTimeout(() => parentPort.postMessage('busy'), 50);
        parentPort.on('message', () => process.exit(0));
      });
    `;
    const script = service(`
      for (const how of ['terminate', 'exit', 'terminate', 'exit']) {
        const workerData = { broker: '${broker.brokers.plaintext}', topic: '${unique('worker')}' };
        const worker = new Worker(${JSON.stringify(worker)}, { eval: true, execArgv: [], workerData });
        await new Promise((resolve) => worker.once('message', resolve));
        const gone = new Promise((resolve) => worker.once('exit', resolve));
        if (how === 'exit') worker.postMessage('end');
        else worker.terminate();
        await gone;
      }
      await send(1);
      await producer.disconnect();
      console.log('fine');
    `);
    expect(await runNode(script)).toEqual({ ...ENDED_BY_ITSELF, output: 'fine\n' });
  });
});

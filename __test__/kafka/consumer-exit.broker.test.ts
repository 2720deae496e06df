/** Consumers and the life of their process. */
import { describe, expect, test } from 'vitest';
import { unique, useBroker } from '../support/kafka-broker.ts';
import { runNode, startNode } from '../support/node-process.js';
import { Lab, numbered, Seen } from './consumer-support.ts';

const lab = new Lab(useBroker());

/** A consumer that runs, in a process of its own. It prints each offset. */
const running = (topic: string, groupId: string, handler = '') => `
  import { createRequire } from 'node:module';
  const { Kafka } = createRequire(process.cwd() + '/')('./dist/kafka/kafka.js');
  const kafka = new Kafka({ brokers: ['${lab.brokers[0]}'], logLevel: 0 });
  const consumer = kafka.consumer({ groupId: '${groupId}', sessionTimeout: 6000 });
  await consumer.connect();
  await consumer.subscribe({ topic: '${topic}', fromBeginning: true });
  let first;
  const begun = new Promise((resolve) => { first = resolve; });
  await consumer.run({ eachMessage: async ({ message }) => {
    console.log('offset ' + message.offset);
    first();
    ${handler}
  } });
  await begun;
`;

async function filled(count: number): Promise<string> {
  const topic = await lab.topic();
  await lab.produce(topic, numbered(count));
  return topic;
}

test('after disconnect a process ends by itself', async () => {
  const script = `${running(await filled(2_000), unique('group'))} await consumer.disconnect();`;
  expect(await runNode(script)).toMatchObject({ code: 0, signal: null, errors: '' });
});

describe('a process that has not disconnected ends without a crash', () => {
  test.for([
    ['by process.exit', 'process.exit(7);', { code: 7, signal: null }],
    ['by an exception', 'throw new Error("end");', { code: 1, signal: null }],
    ['by SIGTERM', 'process.kill(process.pid, "SIGTERM");', { code: null, signal: 'SIGTERM' }],
  ] as const)('%s', async ([, end, expected]) => {
    const script = `${running(await filled(5_000), unique('group'))} ${end}`;
    expect(await runNode(script)).toMatchObject(expected);
  });
});

test('a worker that ends takes its consumer with it', async () => {
  const inner = `${running(await filled(5_000), unique('group'))} postMessage('running');`.replace(
    "import { createRequire } from 'node:module';",
    "import { createRequire } from 'node:module'; import { parentPort } from 'node:worker_threads'; const postMessage = (it) => parentPort.postMessage(it);",
  );
  const script = `
    import { once } from 'node:events';
    import { Worker } from 'node:worker_threads';
    const worker = new Worker(new URL('data:text/javascript,' + encodeURIComponent(${JSON.stringify(inner)})));
    await once(worker, 'message');
    await worker.terminate();
    console.log('over');
  `;
  const end = await runNode(script);
  expect(end).toMatchObject({ code: 0, signal: null });
  expect(end.output).toContain('over');
});

test('an open consumer keeps its process alive', async () => {
  const node = startNode(running(await filled(1), unique('group')));
  await node.printed(/offset 0/);
  const ended = Symbol();
  const outcome = await Promise.race([
    node.end.then(() => ended),
    new Promise((resolve) => setTimeout(resolve, 2_000)),
  ]);
  expect(outcome).not.toBe(ended);
});

test('a process that is killed in the middle leaves nothing out', async () => {
  const topic = await filled(3_000);
  const groupId = unique('group');
  const handler = `
    await new Promise(setImmediate);
    if (message.offset === '1500') process.kill(process.pid, 'SIGKILL');`;
  const { output, signal } = await runNode(running(topic, groupId, handler));
  expect(signal).toBe('SIGKILL');
  const handled = new Set(Array.from(output.matchAll(/offset (\d+)/g), (it) => Number(it[1])));
  const [committed = 0] = await lab.committed(groupId, topic);
  expect(committed).toBeLessThanOrEqual(handled.size);
  const consumer = lab.consumer({ groupId });
  const seen = new Seen<number>();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ message }) => {
      handled.add(Number(message.offset));
      seen.add(Number(message.offset));
    },
  });
  await seen.until((all) => all.includes(2_999));
  expect(handled.size).toBe(3_000);
  expect(seen.all[0]).toBe(Math.max(committed, 0));
}, 40_000);

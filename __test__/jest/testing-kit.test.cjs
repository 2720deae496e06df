// The test kit under jest, and a service's tests as they are written with it.

const { KafkaClient } = require('@libs/messaging');
const {
  connectClient,
  createTestKafka,
  createTestManager,
  flush,
} = require('@libs/messaging/testing');

/** A service as it stands in front of its tests. */
function tellTime(manager) {
  manager.on('message', (message, connection) => {
    if (message.type !== 'what-time') return;
    manager.sendToConnection(connection.id, { type: 'time', payload: 'tea time' });
  });
  manager.on('binary', (data, connection) => {
    connection.socket.send(data instanceof Uint8Array ? data : 'no bytes');
  });
}

describe('a service', () => {
  let manager;

  beforeEach(async () => {
    manager = await createTestManager();
    tellTime(manager);
  });

  afterEach(() => manager.shutdown());

  test('answers a client', async () => {
    const client = await connectClient(manager, { userId: 'ann' });
    client.send({ type: 'what-time', payload: null });
    expect(await client.next('time')).toMatchObject({ payload: 'tea time' });
  });

  test('sends to users, rooms and topics', async () => {
    const ann = await connectClient(manager, { userId: 'ann' });
    const ben = await connectClient(manager, { userId: 'ben' });
    await ann.join('kitchen');
    await ben.subscribe('news');
    expect(manager.sendToUser('ann', { type: 'a', payload: 1 })).toBe(1);
    expect(manager.sendToRoom('kitchen', { type: 'b', payload: 2 })).toBe(1);
    expect(manager.broadcastToTopic('news', { type: 'c', payload: 3 })).toBe(1);
    await flush(manager);
    await Promise.all([ann.settled(), ben.settled()]);
    expect(ann.pending.map(({ type }) => type)).toEqual(['a', 'b']);
    expect(ben.pending.map(({ type }) => type)).toEqual(['c']);
  });

  test('takes bytes of either realm', async () => {
    const client = await connectClient(manager);
    client.send(Buffer.of(1, 2, 3));
    expect([...(await client.next('#binary')).payload]).toEqual([1, 2, 3]);
    const [connection] = manager.getConnections();
    for (const bytes of [
      new Uint8Array([4]),
      new ArrayBuffer(2),
      new DataView(new ArrayBuffer(3)),
    ]) {
      expect(connection.socket.send(bytes)).toBe(true);
    }
    expect([...(await client.next('#binary')).payload]).toEqual([4]);
  });

  test('may be left with clients connected, and by its clients', async () => {
    await connectClient(manager);
    const leaving = await connectClient(manager);
    expect(await leaving.close()).toMatchObject({ code: 1000 });
  });
});

test('errors of the kit are of this realm, and say what did arrive', async () => {
  const manager = await createTestManager();
  const client = await connectClient(manager);
  const late = client.next('never', { timeout: 10 });
  await expect(late).rejects.toBeInstanceOf(Error);
  await expect(late).rejects.toMatchObject({
    code: 'ERR_TEST_TIMEOUT',
    message: expect.stringContaining('Arrived: 1'),
  });
  await manager.shutdown();
});

test('fake timers stop neither the kit nor the manager', async () => {
  jest.useFakeTimers();
  try {
    const manager = await createTestManager();
    tellTime(manager);
    const client = await connectClient(manager);
    client.send({ type: 'what-time', payload: null });
    await client.next('time');
    await manager.shutdown();
  } finally {
    jest.useRealTimers();
  }
});

test('fake timers stop no Kafka', async () => {
  jest.useFakeTimers();
  try {
    const kafka = await createTestKafka({ topics: [{ topic: 'orders', numPartitions: 1 }] });
    const producer = await KafkaClient.getProducer();
    const consumer = await KafkaClient.createConsumer('billing');
    await consumer.subscribe({ topic: 'orders', fromBeginning: true });
    let arrived;
    await consumer.run({ eachMessage: async ({ message }) => arrived(String(message.value)) });
    // The second batch is taken when the first is handled.
    for (const value of ['first', 'second']) {
      const order = new Promise((resolve) => {
        arrived = resolve;
      });
      await producer.send({ topic: 'orders', messages: [{ value }] });
      expect(await order).toBe(value);
    }
    await kafka.close();
  } finally {
    jest.useRealTimers();
  }
});

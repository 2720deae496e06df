// That the package works under jest, whose tests run in a realm of their own (`node:vm`): the addon's
// errors and arrays belong to another one, and the package has to hand out this realm's.

const { WebSocketManager } = require('@libs/messaging');

const managers = [];

/** A manager that is closed after its test. */
function open(config) {
  const manager = new WebSocketManager({ port: 0, host: '127.0.0.1', ...config });
  managers.push(manager);
  return manager;
}

afterEach(async () => {
  await Promise.all(managers.splice(0).map((manager) => manager.shutdown()));
});

test('a manager opens and closes', async () => {
  const manager = open();
  const address = await manager.ready();
  expect(address).toEqual({ address: '127.0.0.1', family: 'IPv4', port: expect.any(Number) });
  manager.close();
  expect(manager.address()).toBeNull();
});

test('a manager may be closed in the tick in which it was made', () => {
  open().close();
});

describe('errors are of the classes of this realm', () => {
  test.each([
    [{ port: -1 }, RangeError, 'ERR_INVALID_OPTION_RANGE'],
    [{ port: '8080' }, TypeError, 'ERR_INVALID_OPTION_TYPE'],
    [{ logger: {} }, TypeError, 'ERR_INVALID_OPTION_TYPE'],
  ])('options: %j', (config, ErrorClass, code) => {
    expect(() => open(config)).toThrow(ErrorClass);
    expect(() => open(config)).toThrow(expect.objectContaining({ code }));
  });

  test('the environment', () => {
    process.env.WS_SHARDS = 'many';
    try {
      expect(() => open()).toThrow(RangeError);
      expect(() => open()).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ENV' }));
    } finally {
      delete process.env.WS_SHARDS;
    }
  });

  test('arguments', () => {
    const manager = open();
    expect(() => manager.disconnect('nobody', 1)).toThrow(TypeError);
    expect(() => manager.joinRoom('nobody', '')).toThrow(TypeError);
    expect(() => manager.joinRoom('nobody', 7.5)).not.toThrow();
    expect(() => manager.joinRoom('nobody', null)).toThrow(TypeError);
  });

  test('a port that is taken', async () => {
    const { port } = open().address();
    const refused = open({ port }).ready();
    await expect(refused).rejects.toBeInstanceOf(Error);
    await expect(refused).rejects.toMatchObject({ code: 'EADDRINUSE', port });
  });

  test('requests', async () => {
    const refused = open().request('nobody', { type: 'question', payload: null });
    await expect(refused).rejects.toBeInstanceOf(Error);
    await expect(refused).rejects.toMatchObject({ code: 'ERR_CONNECTION_CLOSED' });
  });
});

test('lists are arrays of this realm', () => {
  const manager = open();
  const lists = [
    manager.getActiveRooms(),
    manager.getActiveTopics(),
    manager.getRoomMembers('kitchen'),
    manager.getTopicSubscribers('news'),
    manager.getUserConnections('ann'),
    manager.getConnections(),
  ];
  for (const list of lists) expect(list).toBeInstanceOf(Array);
});

test('figures are objects of this realm', () => {
  const stats = open().getStats();
  for (const part of [stats, stats.drops, stats.refusals, stats.process]) {
    expect(part).toBeInstanceOf(Object);
  }
});

test('messages of this realm are serialised, and faults are warnings', () => {
  const manager = open();
  const warnings = [];
  manager.on('warning', (warning) => warnings.push(warning));
  expect(manager.broadcast({ type: 'news', payload: new Date() })).toBe(0);
  expect(warnings).toEqual([]);
  const cyclic = { type: 'news', payload: {} };
  cyclic.payload.cyclic = cyclic;
  expect(manager.broadcast(cyclic)).toBe(0);
  expect(warnings).toEqual([expect.objectContaining({ code: 'ERR_INVALID_MESSAGE' })]);
  expect(warnings[0].cause).toBeInstanceOf(TypeError);
});

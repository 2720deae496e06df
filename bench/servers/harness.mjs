// The control channel that every contestant's program has (see bench/loadgen/src/control.rs): it
// makes the sends that the load generator orders. Runs under Node and Bun alike.
import net from 'node:net';
import { Series } from './series.mjs';

/**
 * What a row asks for: `deflate`, to compress messages, and from how many bytes on (`threshold`). And what makes a
 * contestant of this program, see contestants.mjs.
 */
export const settings = JSON.parse(process.argv[2] ?? '{}');

/**
 * @param {object} contestant
 * @param {number} contestant.port where its WebSocket server listens
 * @param {() => number} contestant.connections
 * @param {(message: object) => void} [contestant.broadcast] these three where a row has it send
 * @param {(topic: string, message: object) => void} [contestant.publish]
 * @param {(room: string, message: object) => void} [contestant.sendToRoom]
 */
export function serveControl(contestant) {
  const server = net.createServer((socket) => {
    socket.setNoDelay(true);
    const reply = (value) => socket.write(`${JSON.stringify(value)}\n`);
    let series = null;
    let line = '';
    socket.on('data', (bytes) => {
      // While a series runs, each byte is a message that has reached all its receivers.
      if (series !== null) {
        series.acknowledge(bytes.length);
        return;
      }
      line += bytes.toString('latin1');
      // What is acknowledged after a series has ended belongs to nobody.
      const start = line.indexOf('{');
      const end = line.indexOf('\n');
      if (start < 0 || end < 0) return;
      const order = JSON.parse(line.slice(start, end));
      line = '';
      if (order.op === 'series') {
        series = new Series(contestant, order, (outcome) => {
          series = null;
          reply(outcome);
        });
        series.start();
      } else {
        reply(answer(order.op, contestant));
      }
    });
    socket.on('error', () => socket.destroy());
  });
  server.listen(0, '127.0.0.1', () => {
    const { port } = contestant;
    console.log(JSON.stringify({ port, control: server.address().port, pid: process.pid }));
  });
  // The runner holds our stdin: when it goes, so do we.
  process.stdin.on('end', () => process.exit(0)).resume();
}

function answer(op, contestant) {
  switch (op) {
    case 'clock':
      return { clock: Number(process.hrtime.bigint()) };
    case 'count':
      return { connections: contestant.connections() };
    case 'gc':
      if (globalThis.Bun) globalThis.Bun.gc(true);
      else globalThis.gc();
      return {};
    default:
      return { error: `unknown order ${op}` };
  }
}

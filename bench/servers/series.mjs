// A series of sends: at most `window` messages under way, `batch` calls per turn of the event
// loop, `interval` ms between turns, until `calls` are made or `seconds` are over.

/** ms */
const TIMER_ROUNDING = 2;

export class Series {
  #send;
  #order;
  #finished;
  #message;
  #calls = 0;
  #acknowledged = 0;
  #waiting = false;
  #ended = false;
  #begun;
  #deadline;

  constructor(contestant, order, finished) {
    this.#order = order;
    this.#finished = finished;
    this.#message = messageOfSize(order.size, order.first);
    this.#send = order.idle ? () => {} : sendTo(contestant, order);
  }

  start() {
    this.#begun = performance.now();
    this.#deadline = setTimeout(() => this.#end(), this.#order.seconds * 1000);
    this.#step();
  }

  acknowledge(count) {
    this.#acknowledged += count;
    if (this.#waiting) this.#step();
  }

  #step = () => {
    if (this.#ended) return;
    const { window, batch, calls, interval, first } = this.#order;
    if (this.#calls >= calls) {
      this.#end();
      return;
    }
    this.#waiting = this.#calls - this.#acknowledged + batch > window;
    if (this.#waiting) return;
    for (let call = 0; call < batch; call += 1) {
      const { type, payload } = this.#message;
      const sent = Number(process.hrtime.bigint()) - this.#lateness();
      // A new object per call, as a service has it.
      this.#send({ type, payload: { seq: first + this.#calls, sent, text: payload.text } });
      this.#calls += 1;
    }
    // A turn of its own for the next call, so that calls are merged only where `batch` says so.
    if (interval > 0) setTimeout(this.#step, Math.max(0, this.#due() - performance.now()));
    else setImmediate(this.#step);
  };

  /** When an open loop makes its next call, by performance.now(). */
  #due() {
    return this.#begun + this.#calls * this.#order.interval;
  }

  /**
   * ns that an open loop's call is late because the thread was busy: its latency counts from when
   * it was due. A timer's own rounding is no lateness.
   */
  #lateness() {
    if (this.#order.interval === 0) return 0;
    const late = performance.now() - this.#due();
    return late > TIMER_ROUNDING ? Math.round(late * 1e6) : 0;
  }

  #end() {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#deadline);
    this.#finished({ calls: this.#calls });
  }
}

function sendTo({ broadcast, publish, sendToRoom }, { audience, group }) {
  if (audience === 'topic') return (message) => publish(group, message);
  if (audience === 'room') return (message) => sendToRoom(group, message);
  return broadcast;
}

// A message whose text on the wire, timestamp included, has `size` bytes.
function messageOfSize(size, first) {
  const timestamp = new Date().toISOString();
  const payload = { seq: first, sent: Number(process.hrtime.bigint()), text: '' };
  const rest = JSON.stringify({ type: 'bench', payload, timestamp }).length;
  return { type: 'bench', payload: { ...payload, text: words(Math.max(0, size - rest)) } };
}

const WORDS = [
  'price',
  'volume',
  'order',
  'ticker',
  'update',
  'status',
  'market',
  'spread',
  'user',
];

// Text that repeats as little as real feeds do: the same for every contestant and run.
function words(length) {
  let text = '';
  let random = 12345;
  while (text.length < length) {
    random = (random * 1103515245 + 12345) & 0x7fffffff;
    text += `${WORDS[(random >> 8) % WORDS.length]} ${random % 1000} `;
  }
  return text.slice(0, length);
}

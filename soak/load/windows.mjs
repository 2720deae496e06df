// When a client is a member of which streams, and whether it gets all that is sent meanwhile: from the
// confirmation of its membership to that of its end each number once, in order, and nothing outside of it.
import { filler } from '../shared/filler.mjs';

export class Windows {
  /** From stream to the number of the last message, or undefined where that is not known yet. */
  #last = new Map();
  #report;

  /** @param {(kind: string, detail: string) => void} report takes what is wrong */
  constructor(report) {
    this.#report = report;
  }

  /**
   * A membership is confirmed. Going where one is already changes nothing.
   * @param {number} [at] the last number before it, where the service knows that
   */
  open(stream, at) {
    if (!this.#last.has(stream)) this.#last.set(stream, at);
    else if (at !== undefined) this.mark({ [stream]: at });
  }

  close(stream) {
    this.#last.delete(stream);
  }

  has(stream) {
    return this.#last.has(stream);
  }

  get names() {
    return [...this.#last.keys()];
  }

  /** A message of a stream. */
  receive(stream, number, content) {
    if (!this.#last.has(stream)) {
      this.#report('message for somebody else', `${stream} ${number}`);
      return;
    }
    const last = this.#last.get(stream);
    if (last !== undefined && number !== last + 1) {
      const kind = number > last ? 'lost' : 'doubled or out of order';
      this.#report(kind, `${stream}: ${number} behind ${last}`);
    }
    this.#last.set(stream, number);
    if (content !== filler(stream, number)) this.#report('content', `${stream} ${number}`);
  }

  /** The service tells how far streams are: the client must have as much of those that it is in. */
  mark(at) {
    for (const [stream, number] of Object.entries(at)) {
      if (!this.#last.has(stream)) continue;
      const last = this.#last.get(stream);
      if (last !== undefined && last !== number) {
        this.#report('lost', `${stream}: ${last} is the last one, the service is at ${number}`);
      }
      this.#last.set(stream, number);
    }
  }
}

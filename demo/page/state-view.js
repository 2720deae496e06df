// Shows how the connection is, counts down to the next try, and tells of what went wrong.

import { byId } from './dom.js';
import { milliseconds } from './format.js';

const COMPLAINT_TIME = 6000;
const LABELS = { connecting: 'Connecting', online: 'Connected', waiting: 'Offline' };

export class StateView {
  #socket;
  #complaint = '';
  #complaintTimer = 0;
  #countdownTimer = 0;

  constructor(socket) {
    this.#socket = socket;
    socket.addEventListener('change', () => this.#render());
    byId('retry').onclick = () => socket.retryNow();
    this.#render();
  }

  /** A line that stays for some seconds. */
  complain(text) {
    clearTimeout(this.#complaintTimer);
    this.#complaint = text;
    this.#complaintTimer = setTimeout(() => {
      this.#complaint = '';
      this.#render();
    }, COMPLAINT_TIME);
    this.#render();
  }

  #render() {
    const { state, latency, reason } = this.#socket;
    for (const place of document.querySelectorAll('.state')) {
      place.dataset.state = state;
      place.querySelector('.state-text').textContent = LABELS[state];
    }
    byId('app').dataset.connection = state;
    byId('latency').textContent = latency === null ? '' : `${milliseconds(latency)} ms`;
    byId('login-submit').disabled = state !== 'online';

    clearInterval(this.#countdownTimer);
    if (state === 'waiting') {
      this.#countdownTimer = setInterval(() => this.#countDown(), 1000);
      this.#countDown();
    } else {
      byId('countdown').textContent = reason === '' ? '' : 'Trying now…';
    }
    byId('retry').hidden = state !== 'waiting';
    const text = reason === '' ? this.#complaint : `${reason}.`;
    byId('notice').hidden = text === '';
    if (byId('notice-text').textContent !== text) byId('notice-text').textContent = text;
  }

  #countDown() {
    const seconds = Math.max(1, Math.ceil((this.#socket.retryAt - Date.now()) / 1000));
    byId('countdown').textContent = `Next try in ${seconds} s`;
  }
}

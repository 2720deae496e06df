// The open conversation: its head, its messages, and the field to write in.

import { avatar, byId, element } from './dom.js';
import { clock, plural } from './format.js';

/** Messages of one sender within this time stand under one name. */
const GROUP_SPAN = 5 * 60_000;
/** Nearer to the end than this, in pixels, a reader follows new messages. */
const FOLLOW_DISTANCE = 80;

/** @param actions { send(conversation, text): Promise<string>, leave(conversation) } */
export class ConversationView {
  #chats;
  #actions;
  #shown;
  #last = null;
  /** Whether the reader is at the end, and so goes along with new messages. */
  #following = true;
  #list = byId('messages');
  #box = '';
  #text = byId('composer-text');
  #status = byId('composer-status');

  constructor(chats, actions) {
    this.#chats = chats;
    this.#actions = actions;
    chats.addEventListener('change', () => this.#render());
    chats.addEventListener('message', ({ detail }) => this.#append(detail));

    byId('leave').onclick = () => this.#actions.leave(this.#chats.current);
    byId('to-newest').onclick = () => this.#scrollToEnd();
    this.#list.onscroll = () => {
      if (this.#box !== this.#measure()) return;
      this.#following = this.#isAtEnd();
      if (this.#following) byId('to-newest').hidden = true;
    };
    // A phone's keyboard takes half of the height: who was at the end stays there. The scrolling that
    // comes of such a change is seen first, and says nothing about the reader.
    new ResizeObserver(() => {
      this.#box = this.#measure();
      if (this.#following) this.#scrollToEnd();
      this.#fitText();
    }).observe(this.#list);
    this.#text.oninput = () => {
      if (this.#chats.current) this.#chats.current.draft = this.#text.value;
      this.#fitText();
    };
    this.#text.onkeydown = (event) => {
      if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      byId('composer').requestSubmit();
    };
    byId('composer').onsubmit = (event) => {
      event.preventDefault();
      this.#submit();
    };
    this.#render();
  }

  focus() {
    this.#text.focus();
  }

  #render() {
    const current = this.#chats.current;
    if (current !== this.#shown) this.#switchTo(current);
    byId('conversation-title').textContent = current ? this.#title(current) : 'No conversation';
    byId('conversation-info').textContent = current ? this.#info(current) : '';
    byId('leave').hidden = !current;
    byId('leave').textContent = current?.kind === 'direct' ? 'Close' : 'Leave';
    byId('composer').hidden = !current;
    byId('messages-empty').hidden = current?.messages.length > 0;
    byId('messages-empty').textContent = current
      ? 'Nothing here yet. Messages are not stored: you see what arrives while you are here.'
      : 'Join a room or write to a user to begin.';
  }

  #title({ kind, name }) {
    return kind === 'room' ? `#${name}` : name;
  }

  #info({ kind, name }) {
    if (kind === 'direct') return 'Direct message';
    const room = this.#chats.rooms.find((entry) => entry.room === name);
    if (!room) return '';
    return `${plural(room.members, 'member')}: ${room.users.join(', ')}`;
  }

  #switchTo(conversation) {
    this.#shown = conversation;
    this.#last = null;
    this.#list.replaceChildren();
    for (const message of conversation?.messages ?? []) this.#list.append(this.#row(message));
    this.#scrollToEnd();
    this.#status.textContent = '';
    this.#text.value = conversation?.draft ?? '';
    this.#fitText();

    const direct = conversation?.kind === 'direct';
    this.#text.placeholder = conversation ? `Message ${this.#title(conversation)}` : '';
    this.#text.dataset.testid = direct ? 'direct-text' : 'chat-input';
    byId('composer-send').dataset.testid = direct ? 'direct-send' : 'chat-send';
  }

  #append(message) {
    const follow = this.#following || message.from === this.#chats.me;
    this.#list.append(this.#row(message));
    const { length } = this.#shown.messages;
    while (this.#list.childElementCount > length) this.#list.firstChild.remove();
    if (follow) this.#scrollToEnd();
    else byId('to-newest').hidden = false;
  }

  #row(message) {
    const { from, text, note, at } = message;
    const before = this.#last;
    this.#last = message;
    if (note) return element('li', { class: 'note' }, note);

    const mine = from === this.#chats.me;
    const grouped = before?.from === from && new Date(at) - new Date(before.at) < GROUP_SPAN;
    const body = element('p', { class: 'text' }, text);
    const classes = `message${mine ? ' mine' : ''}${grouped ? ' grouped' : ''}`;
    const row = element('li', { class: classes });
    if (!grouped) {
      const time = element('time', { datetime: at }, clock(at));
      row.append(avatar(from), element('p', { class: 'head' }, element('b', {}, from), time));
    }
    row.append(body);
    if (message.undelivered) {
      row.append(element('p', { class: 'undelivered' }, message.undelivered));
    }
    return row;
  }

  /** The text stays in the field until the server took it, so that nothing is lost. */
  async #submit() {
    const conversation = this.#chats.current;
    const text = this.#text.value.trim();
    if (!conversation || text === '') return;
    const button = byId('composer-send');
    button.disabled = true;
    try {
      const done = await this.#actions.send(conversation, text);
      conversation.draft = '';
      if (this.#shown === conversation) {
        this.#text.value = '';
        this.#fitText();
        this.#say(done, false);
      }
    } catch (error) {
      this.#say(`Not sent: ${error.message}`, true);
    } finally {
      button.disabled = false;
    }
  }

  #say(text, failed) {
    this.#status.textContent = text;
    this.#status.classList.toggle('failed', failed);
  }

  #fitText() {
    this.#text.style.height = 'auto';
    this.#text.style.height = `${this.#text.scrollHeight}px`;
  }

  #measure() {
    return `${this.#list.clientWidth} × ${this.#list.clientHeight}`;
  }

  #isAtEnd() {
    const { scrollHeight, scrollTop, clientHeight } = this.#list;
    return scrollHeight - scrollTop - clientHeight < FOLLOW_DISTANCE;
  }

  #scrollToEnd() {
    this.#list.scrollTop = this.#list.scrollHeight;
    this.#following = true;
    byId('to-newest').hidden = true;
  }
}

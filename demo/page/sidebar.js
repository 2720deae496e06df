// The lists of rooms and of direct conversations, with members and unread messages.

import { directKey, roomKey } from './chats.js';
import { avatar, byId, element, icon, matchChildren } from './dom.js';
import { count, plural } from './format.js';

const SUGGESTED_ROOMS = ['lobby', 'random'];

/** @param actions { open(key), join(room) } */
export class Sidebar {
  #chats;
  #actions;

  constructor(chats, actions) {
    this.#chats = chats;
    this.#actions = actions;
    chats.addEventListener('change', () => this.#render());
  }

  #render() {
    this.#renderRooms();
    this.#renderDirects();
    matchChildren(byId('known-users'), this.#chats.knownUsers(), {
      key: (user) => user,
      create: (user) => element('option', { value: user }),
      update: () => {},
    });
    const unread = this.#chats.unread();
    byId('tab-unread').hidden = unread === 0;
    byId('tab-unread').textContent = count(unread);
    document.title = unread > 0 ? `(${count(unread)}) Messaging demo` : 'Messaging demo';
  }

  /** Joined rooms first, then those that others are in, then suggestions while there are few. */
  #renderRooms() {
    const { rooms, active } = this.#chats;
    const members = new Map(rooms.map((entry) => [entry.room, entry.members]));
    const joined = new Set(this.#chats.joinedRooms());
    const names = new Set([...joined, ...members.keys(), ...SUGGESTED_ROOMS]);
    const items = [...names].map((name) => ({
      key: roomKey(name),
      name,
      joined: joined.has(name),
      active: active === roomKey(name),
      members: members.get(name) ?? 0,
      unread: this.#chats.conversations.get(roomKey(name))?.unread ?? 0,
    }));
    matchChildren(byId('rooms'), items, {
      key: (item) => item.key,
      create: (item) => this.#createRow(item, '#'),
      update: (row, item) => {
        const button = row.firstElementChild;
        const total = plural(item.members, 'member');
        this.#updateRow(button, item);
        button.classList.toggle('foreign', !item.joined);
        const note = item.joined ? [icon('people'), count(item.members)] : ['Join'];
        button.querySelector('.row-note').replaceChildren(...note);
        const unread = item.unread > 0 ? `, ${count(item.unread)} unread` : '';
        const label = `${item.joined ? '' : 'Join '}${item.name}, ${total}${unread}`;
        button.setAttribute('aria-label', label);
        button.title = total;
        button.onclick = () =>
          item.joined ? this.#actions.open(item.key) : this.#actions.join(item.name);
      },
    });
  }

  #renderDirects() {
    const items = this.#chats.directs();
    matchChildren(byId('directs'), items, {
      key: (item) => item.key,
      create: (item) => this.#createRow(item, avatar(item.name)),
      update: (row, item) => {
        const button = row.firstElementChild;
        this.#updateRow(button, { ...item, active: this.#chats.active === directKey(item.name) });
        button.onclick = () => this.#actions.open(item.key);
      },
    });
  }

  #createRow(item, mark) {
    const button = element(
      'button',
      { class: 'row', type: 'button', 'data-testid': 'conversation-row' },
      element('span', { class: 'row-mark', 'aria-hidden': 'true' }, mark),
      element('span', { class: 'row-name' }, item.name),
      element('span', { class: 'badge' }),
      element('span', { class: 'row-note' }),
    );
    return element('li', {}, button);
  }

  #updateRow(button, { active, unread }) {
    if (active) button.setAttribute('aria-current', 'true');
    else button.removeAttribute('aria-current');
    const badge = button.querySelector('.badge');
    badge.hidden = unread === 0;
    badge.textContent = count(unread);
  }
}

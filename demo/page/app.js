// The page's entry: joins the socket, the model and the views, and keeps the session: who is logged
// in, in which rooms, with which topics. A tab keeps its session over a reload and a reconnect.

import { Chats, directKey, roomKey } from './chats.js';
import { ConversationView } from './conversation.js';
import { avatar, byId } from './dom.js';
import { KafkaPanel } from './kafka.js';
import { LivePanel } from './live.js';
import { Sidebar } from './sidebar.js';
import { Socket } from './socket.js';
import { StateView } from './state-view.js';

const STORAGE_KEY = 'messaging-demo';
const FIRST_ROOM = 'lobby';
const TOPICS = ['metrics', 'stats'];

const session = { user: '', id: '', rooms: [], topics: [...TOPICS] };
Object.assign(session, JSON.parse(sessionStorage.getItem(STORAGE_KEY) ?? '{}'));
const save = () => sessionStorage.setItem(STORAGE_KEY, JSON.stringify(session));

const socket = new Socket();
const chats = new Chats();
const live = new LivePanel();
const kafka = new KafkaPanel(async (to, text) => {
  const { payload } = await socket.request('publish', { to, text });
  return payload;
});
const conversation = new ConversationView(chats, { send, leave });
new Sidebar(chats, { open, join });
const stateView = new StateView(socket);

// --- The session -----------------------------------------------------------------------------

/** Tells a new connection who this is, and what it had joined and subscribed. */
async function resume() {
  await socket.request('authenticate', { userId: session.user, sessionId: session.id });
  chats.me = session.user;
  for (const topic of ['rooms', 'events']) await socket.request('subscribe', { topic });
  await loadHistory();
  for (const topic of session.topics) await socket.request('subscribe', { topic });
  for (const room of session.rooms) {
    await socket.request('join_room', { room });
    chats.ensure('room', room);
  }
  chats.setRooms((await socket.request('list_rooms')).payload.rooms);
  if (!chats.current && session.rooms.length > 0) chats.select(roomKey(session.rooms[0]));
}

async function loadHistory() {
  const { payload } = await socket.request('history');
  live.setHistory(payload.points);
}

function showApp() {
  byId('login').hidden = true;
  byId('app').hidden = false;
  byId('my-name').textContent = session.user;
  byId('my-avatar').replaceChildren(avatar(session.user));
  for (const topic of TOPICS) showTopic(topic);
}

function showLogin() {
  byId('app').hidden = true;
  byId('login').hidden = false;
  byId('login-user').focus();
}

byId('login-form').onsubmit = async (event) => {
  event.preventDefault();
  const user = byId('login-user').value.trim();
  byId('login-error').textContent = user === '' ? 'Enter a name.' : '';
  if (user === '') return;
  const numbers = crypto.getRandomValues(new Uint32Array(2));
  Object.assign(session, { user, id: `tab_${numbers.join('_')}`, rooms: [FIRST_ROOM] });
  try {
    await resume();
    save();
    showApp();
    if (matchMedia('(pointer: fine)').matches) conversation.focus();
  } catch (error) {
    session.user = '';
    byId('login-error').textContent = `${error.message}.`;
  }
};

byId('logout').onclick = () => {
  sessionStorage.removeItem(STORAGE_KEY);
  Object.assign(session, { user: '', id: '', rooms: [] });
  chats.clear();
  kafka.clear();
  socket.restart();
  showLogin();
};

// --- Rooms and messages ----------------------------------------------------------------------

function open(key) {
  chats.select(key);
  showView('chat');
  if (matchMedia('(pointer: fine)').matches) conversation.focus();
}

async function join(room) {
  try {
    await socket.request('join_room', { room });
  } catch (error) {
    return stateView.complain(`Could not join ${room}: ${error.message}`);
  }
  chats.ensure('room', room);
  if (!session.rooms.includes(room)) session.rooms.push(room);
  save();
  open(roomKey(room));
  await refreshRooms();
}

async function leave({ kind, name, key }) {
  if (kind === 'room') {
    try {
      await socket.request('leave_room', { room: name });
    } catch (error) {
      return stateView.complain(`Could not leave ${name}: ${error.message}`);
    }
    session.rooms = session.rooms.filter((room) => room !== name);
    save();
  }
  chats.remove(key);
  if (!chats.current) showView('rooms');
  await refreshRooms();
}

/** A lost connection is no fault here: the list comes again when the session resumes. */
const refreshRooms = () =>
  socket.request('list_rooms').then(
    ({ payload }) => chats.setRooms(payload.rooms),
    () => {},
  );

/** Resolves with a line about how far the message came. */
async function send({ kind, name }, text) {
  if (kind === 'room') {
    const { payload } = await socket.request('chat', { room: name, text });
    return `Sent to ${payload.receivers === 1 ? 'one connection' : `${payload.receivers} connections`}`;
  }
  const { payload, timestamp } = await socket.request('direct', { to: name, text });
  const undelivered = payload.online ? '' : `Not delivered: ${name} is not online`;
  // To oneself it has arrived already.
  if (name !== session.user) {
    const message = { from: session.user, text, at: timestamp, undelivered };
    chats.add(chats.ensure('direct', name), message);
  }
  return payload.online ? `Delivered to ${name}` : '';
}

byId('room-form').onsubmit = (event) => {
  event.preventDefault();
  const room = byId('room-input').value.trim().replace(/^#+/, '');
  if (room === '') return;
  byId('room-input').value = '';
  join(room);
};

byId('direct-form').onsubmit = (event) => {
  event.preventDefault();
  const user = byId('direct-to').value.trim();
  if (user === '') return;
  byId('direct-to').value = '';
  chats.ensure('direct', user);
  open(directKey(user));
};

// --- Topics ----------------------------------------------------------------------------------

function showTopic(topic) {
  const on = session.topics.includes(topic);
  const input = byId(`topic-${topic}`);
  input.checked = on;
  input.closest('.card').classList.toggle('off', !on);
}

for (const topic of TOPICS) {
  byId(`topic-${topic}`).onchange = async ({ target }) => {
    const on = target.checked;
    try {
      await socket.request(on ? 'subscribe' : 'unsubscribe', { topic });
      if (on) await loadHistory();
      const kept = session.topics.filter((name) => name !== topic);
      session.topics = on ? [...kept, topic] : kept;
      save();
    } catch (error) {
      stateView.complain(`Could not change the subscription: ${error.message}`);
    }
    showTopic(topic);
  };
}

// --- Views of a small screen -----------------------------------------------------------------

function showView(view) {
  byId('app').dataset.view = view;
  for (const tab of document.querySelectorAll('.tabs button')) {
    if (tab.dataset.to === view) tab.setAttribute('aria-current', 'page');
    else tab.removeAttribute('aria-current');
  }
}

for (const tab of document.querySelectorAll('.tabs button')) {
  tab.onclick = () => showView(tab.dataset.to);
}

// --- Start -----------------------------------------------------------------------------------

socket.addEventListener('open', () => {
  if (session.user) resume().catch((error) => stateView.complain(`${error.message}.`));
});

socket.addEventListener('message', ({ detail }) => {
  if (detail.type === 'metrics') live.showMetrics(detail.payload);
  else if (detail.type === 'stats') live.showStats(detail.payload);
  else if (detail.type === 'kafka') kafka.showFigures(detail.payload);
  else if (detail.type === 'notification') kafka.showEvent(detail.payload);
  else if (!chats.receive(detail) && detail.type === 'error') {
    stateView.complain(detail.payload.message);
  }
});

showView('chat');
if (session.user) showApp();
else showLogin();

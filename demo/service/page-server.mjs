// Serves the page: a fixed table of files and /config.json, which tells the page where the
// WebSocketManager listens. `POST /events` takes an event for Kafka. A path is only ever a key of the table, never part of a file's name,
// so no request reaches anything else.

import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname } from 'node:path';
import { json } from 'node:stream/consumers';
import { Refusal } from './fields.mjs';
import { notify } from './notifications.mjs';

const PAGE = new URL('../page/', import.meta.url);

const CONTENT_TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

const MAX_EVENT = 16_384;

/** A Host header that is safe to repeat in an address and in a header: a name or IPv4, or [IPv6]. */
const HOST = /^([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i;

function filesByPath() {
  const files = new Map();
  for (const name of readdirSync(PAGE)) {
    const type = CONTENT_TYPES[extname(name)];
    if (type) files.set(`/${name}`, { url: new URL(name, PAGE), type });
  }
  files.set('/', files.get('/index.html'));
  return files;
}

/**
 * The page may load its own files and talk to this host's WebSocket ports, nothing else. The port
 * is open because a restarted demo listens on another one, while the loaded page keeps its policy.
 * A policy cannot name an IPv6 address, so there the scheme alone is given.
 */
function contentSecurityPolicy(hostname) {
  const sockets = hostname.startsWith('[') ? 'ws:' : `ws://${hostname}:*`;
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    `connect-src 'self' ${sockets}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

/** @returns {import('node:http').Server} not yet listening */
export function createPageServer({ socketPort, socketPath, events }) {
  const files = filesByPath();

  return createServer(async (request, response) => {
    const answer = (status, type, body, headers = {}) => {
      response.writeHead(status, {
        'Content-Type': type,
        'Content-Length': Buffer.byteLength(body),
        'Cache-Control': 'no-cache',
        'X-Content-Type-Options': 'nosniff',
        'Referrer-Policy': 'no-referrer',
        ...headers,
      });
      response.end(request.method === 'HEAD' ? undefined : body);
    };
    const refuse = (status, text, headers) =>
      answer(status, 'text/plain; charset=utf-8', `${text}\n`, headers);

    const path = request.url.split('?', 1)[0];
    if (path === '/events') {
      if (request.method !== 'POST') {
        return refuse(405, 'Only POST is answered here.', { Allow: 'POST' });
      }
      const { status, ...body } = await takeEvent(request, events);
      if (request.destroyed && !request.complete) return;
      return answer(status, 'application/json; charset=utf-8', `${JSON.stringify(body)}\n`);
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return refuse(405, 'Only GET and HEAD are answered here.', { Allow: 'GET, HEAD' });
    }
    const hostname = HOST.exec(request.headers.host ?? '')?.[1];
    if (!hostname) return refuse(400, 'The Host header is missing or malformed.');

    if (path === '/config.json') {
      const config = { url: `ws://${hostname}:${socketPort}${socketPath}` };
      return answer(200, 'application/json; charset=utf-8', JSON.stringify(config));
    }
    const file = files.get(path);
    if (!file) return refuse(404, 'There is no such file.');
    try {
      const policy = { 'Content-Security-Policy': contentSecurityPolicy(hostname) };
      answer(200, file.type, await readFile(file.url), policy);
    } catch (error) {
      console.error(`The file of ${path} cannot be read: ${error.message}`);
      refuse(500, 'The file cannot be read.');
    }
  });
}

/**
 * An event by http: { to?, text }, answered with its place in Kafka. A page of another origin cannot send JSON
 * without asking, and is not allowed to.
 */
async function takeEvent(request, events) {
  const { 'content-type': type = '', 'content-length': length } = request.headers;
  if (!/^application\/json\b/i.test(type)) return { status: 415, error: 'JSON is wanted' };
  if (length === undefined) return { status: 411, error: 'Content-Length is wanted' };
  if (Number(length) > MAX_EVENT) return { status: 413, error: 'It is too long' };
  let input;
  try {
    input = await json(request);
  } catch {
    return { status: 400, error: 'It is not JSON' };
  }
  try {
    return { status: 201, ...(await notify(events, 'http', input)) };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const { code, message } = error;
    return { status: code === 'NOT_PUBLISHED' ? 503 : 400, code, error: message };
  }
}

/** Listens on the wanted port, or on any free one when that is taken; resolves with the address. */
export async function listen(server, { port, host }) {
  const attempt = (candidate) =>
    new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(candidate, host, () => {
        server.off('error', reject);
        resolve(server.address());
      });
    });
  try {
    return await attempt(port);
  } catch (error) {
    if (error.code !== 'EADDRINUSE' || port === 0) throw error;
    return attempt(0);
  }
}

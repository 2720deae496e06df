/**
 * Servers of the host's own to attach to. They end with the test that made them.
 */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, get, type RequestListener, type Server } from 'node:http';
import * as https from 'node:https';
import type { AddressInfo, Server as NetServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

export const hello: RequestListener = (_, response) => response.end('hello');

function endAfterTest<S extends Server>(server: S): S {
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return server;
}

/** A server that does not listen yet. */
export function newHttpServer(listener = hello): Server {
  return endAfterTest(createServer(listener));
}

/** A server on a free port of 127.0.0.1. */
export async function httpServer(listener = hello): Promise<Server> {
  return await listening(newHttpServer(listener));
}

/** The same over TLS. */
export async function httpsServer(): Promise<https.Server> {
  return await listening(endAfterTest(https.createServer(certificate(), hello)));
}

export async function listening<S extends NetServer>(server: S): Promise<S> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

/** A server on a Unix domain socket, and its path. */
export async function unixServer(): Promise<{ server: Server; path: string }> {
  const folder = temporaryFolder();
  const path = join(folder, 'socket');
  const server = newHttpServer();
  server.listen(path);
  await once(server, 'listening');
  return { server, path };
}

export function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

/** What the server answers to a plain request. */
export async function fetchText(server: Server): Promise<string> {
  const [response] = await once(get({ port: portOf(server), agent: false }), 'response');
  let text = '';
  for await (const chunk of response) text += chunk;
  return text;
}

export function connectionsOf(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.getConnections((error, count) => (error ? reject(error) : resolve(count)));
  });
}

/** A key and a certificate for localhost, made anew, since a key does not belong into a repository. */
export function certificate(): { key: Buffer; cert: Buffer } {
  const folder = temporaryFolder();
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  execFileSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
      ...['-subj', '/CN=localhost', '-days', '2', '-keyout', key, '-out', cert],
    ],
    { stdio: 'ignore' },
  );
  return { key: readFileSync(key), cert: readFileSync(cert) };
}

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'messaging-attach-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

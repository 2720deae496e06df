/**
 * The certificate by which a client has proved over TLS who it is.
 */
import { X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { WebSocketClientCertificate } from './types.js';

/**
 * What a service is shown of a certificate, in DER. Node reads it, so all is spelt as `getPeerCertificate()` spells it.
 *
 * @throws what Node throws for one that it cannot read
 */
export function clientCertificate(der: Buffer): WebSocketClientCertificate {
  const { subject, issuer, subjectaltname, serialNumber, fingerprint256, raw } =
    new X509Certificate(der).toLegacyObject();
  return { subject, issuer, subjectaltname, serialNumber, fingerprint256, raw };
}

/** The certificate of the client on a socket of a server of the host's own, if the server has asked for it and trusts it. */
export function certificateOn(socket: Socket): Buffer | undefined {
  const { authorized, getPeerX509Certificate } = socket as Partial<TLSSocket>;
  return authorized === true ? getPeerX509Certificate?.call(socket)?.raw : undefined;
}

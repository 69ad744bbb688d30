import { Client, credentials } from '@grpc/grpc-js';
import { request } from 'node:https';
import { connect } from 'node:tls';
import type { TLSSocket } from 'node:tls';
import { onTestFinished } from 'vitest';
import type { Certificate } from '../../support/certificates.js';
import { target } from './http.js';

/** Whom a client trusts, and what it proves itself with. */
export interface ClientTls {
  readonly ca: Certificate;
  readonly own?: Certificate;
}

/** As `connect`, over TLS. */
export function connectTls(address: string, { ca, own }: ClientTls): Client {
  const channel = credentials.createSsl(
    Buffer.from(ca.certificate),
    own ? Buffer.from(own.key) : null,
    own ? Buffer.from(own.certificate) : null,
  );
  const client = new Client(address, channel, { 'grpc.use_local_subchannel_pool': 1 });
  onTestFinished(() => client.close());
  return client;
}

/** As `post`, over TLS and with JSON alone. */
export function postTls(
  address: string,
  path: string,
  body: unknown,
  { ca, own }: ClientTls,
  headers: Readonly<Record<string, string>> = {},
): Promise<{ readonly status: number; readonly json: unknown }> {
  return new Promise((resolve, reject) => {
    const call = request(
      {
        ...target(address),
        servername: 'localhost',
        ca: ca.certificate,
        ...(own && { cert: own.certificate, key: own.key }),
        path,
        method: 'POST',
        agent: false,
        headers: { 'content-type': 'application/json', ...headers },
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (text += chunk));
        response.on('error', reject);
        response.on('end', () => {
          resolve({ status: response.statusCode ?? 0, json: JSON.parse(text) });
        });
      },
    );
    call.on('error', reject);
    call.end(JSON.stringify(body));
  });
}

/** Shakes hands, offering protocols of ALPN. Rejects when that fails. */
export function handshake(
  address: string,
  { ca, own }: ClientTls,
  options: {
    readonly protocols?: readonly string[];
    readonly versionMax?: 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3';
  } = {},
): Promise<TLSSocket> {
  const { protocols = [], versionMax } = options;
  return new Promise((resolve, reject) => {
    const { host, port } = target(address);
    const socket = connect({
      host: host ?? '',
      port: Number(port),
      servername: 'localhost',
      ca: ca.certificate,
      ...(own && { cert: own.certificate, key: own.key }),
      ...(protocols.length > 0 && { ALPNProtocols: [...protocols] }),
      ...(versionMax && { minVersion: 'TLSv1', maxVersion: versionMax, ciphers: 'ALL@SECLEVEL=0' }),
    });
    onTestFinished(() => void socket.destroy());
    socket.once('secureConnect', () => resolve(socket));
    socket.once('error', reject);
  });
}

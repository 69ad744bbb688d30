import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

/** Opens a connection. What is written before it stands waits for that. */
export type Dial = () => Socket;

/** Dials `host:port` in plain text. */
export function dialTo(address: string): Dial {
  return () => connect({ ...target(address), noDelay: true });
}

/** Dials `host:port` over TLS, as clients of gRPC do. `ca` is who signed the certificate. */
export function dialTls(address: string, ca: string): Dial {
  return () => {
    const socket = connectTls({
      ...target(address),
      servername: 'localhost',
      ca,
      ALPNProtocols: ['h2'],
    });
    return socket.setNoDelay(true);
  };
}

function target(address: string): { readonly host: string; readonly port: number } {
  const at = address.lastIndexOf(':');
  return { host: address.slice(0, at), port: Number(address.slice(at + 1)) };
}

// The probe of the image: ends with 0 when the sidecar says that it serves, else with 1.
//   node health.mjs [ADDRESS]
// ADDRESS is host:port or unix:/path, by default where agents call. The kubelet cannot reach a
// listener on the loopback interface of a pod; what runs inside the container can.
import { request } from 'node:http';
import process from 'node:process';

const TIMEOUT_MS = 3_000;

const address = process.argv[2] ?? process.env.SAFEGUARDS_AGENT_LISTEN ?? '127.0.0.1:7450';
const [, host, port] = /^\[?(.*?)\]?:(\d+)$/.exec(address) ?? [];
const where = address.startsWith('unix:')
  ? { socketPath: address.slice('unix:'.length), host: 'localhost' }
  : { host, port };

const call = request({
  ...where,
  method: 'POST',
  path: '/grpc.health.v1.Health/Check',
  headers: { 'content-type': 'application/json', connection: 'close' },
  timeout: TIMEOUT_MS,
});
call.on('timeout', () => call.destroy(new Error(`No answer within ${TIMEOUT_MS} ms`)));
call.on('error', ({ code, message }) => fail(message || code));
call.on('response', async (response) => {
  let body = '';
  for await (const chunk of response) body += chunk;
  if (!/"status": ?"SERVING"/.test(body)) fail(body);
});
call.end('{}');

function fail(why) {
  console.error(`${address}: ${why}`);
  process.exit(1);
}

import { randomBytes } from 'node:crypto';
import path from 'node:path';
import type { Config } from '../config/config.js';
import { TABLE } from '../config/settings.js';
import type { Sidecar } from './serve.js';

/** What the capitals in a line stand for: files that only the reader can name. */
const NOTES = {
  CA: (certificate: string) =>
    `who signed ${certificate}: that file itself when it has signed itself, or "system"; ` +
    'the host must be one of its names',
  CERT: () => 'a certificate for clients, and KEY its private key',
  TOKEN: (file: string) => `the file of a token of one of ${file} whose role may do it`,
} as const;

/** One listener, as a client meets it. */
interface Side {
  readonly address: string;
  readonly flag: '--address' | '--admin-address';
  readonly standard: string;
  readonly certificate: string | undefined;
  readonly clientCa: string | undefined;
  /** What the token is in, as a flag; undefined: the client finds it, or none is needed. */
  readonly tokenFile: string | undefined;
}

/**
 * The lines to try a sidecar with. What only the reader has, such as the token of a principal, stands in
 * capitals, and the lines after say what it is.
 */
export function trial(config: Config, sidecar: Sidecar): readonly string[] {
  const operators = operatorsOf(config, sidecar);
  const agents = agentsOf(config, sidecar);
  // A new name each time, so that the lines work after every start.
  const agent = `hello-${randomBytes(3).toString('hex')}`;
  const cli = commandLine();
  const notes = notesOf(config, [operators, agents]);
  const own = notes.length === 0 ? '' : ', with files of your own for the capitals';
  return [
    `Make an agent and spend, from another terminal in this folder${own}:`,
    `  ${cli} agent create ${agent} --initial-budget 10${flagsOf(operators)}`,
    `  ${cli} spend ${agent} 2.50${flagsOf(agents)}`,
    ...notes.map(([name, note]) => `  ${name.padEnd(6)} ${note}`),
  ];
}

/** How this program was called, so that a line can be pasted. */
export function commandLine(): string {
  const script = process.argv[1] ?? 'safeguards';
  if (path.extname(script) !== '.js') return path.basename(script);
  return `node ${quoted(path.relative(process.cwd(), script))}`;
}

function operatorsOf(config: Config, { adminAddress }: Sidecar): Side {
  const standard = path.resolve(TABLE.data_dir.default, 'admin.token');
  const isElsewhere = config.adminAuth === 'token' && config.adminTokenFile !== standard;
  const known = isElsewhere ? quoted(config.adminTokenFile) : undefined;
  return {
    address: adminAddress,
    flag: '--admin-address',
    standard: TABLE.admin_listen.default,
    certificate: config.adminTlsCert,
    clientCa: config.adminTlsClientCa,
    tokenFile: config.adminAuth === 'principals' ? 'TOKEN' : known,
  };
}

function agentsOf(config: Config, { agentAddress }: Sidecar): Side {
  return {
    address: agentAddress,
    flag: '--address',
    standard: TABLE.agent_listen.default,
    certificate: config.agentTlsCert,
    clientCa: config.agentTlsClientCa,
    tokenFile: config.agentAuth === 'principals' ? 'TOKEN' : undefined,
  };
}

function flagsOf(side: Side): string {
  const { address, flag, standard, certificate, clientCa, tokenFile } = side;
  const words = [
    ...(address === standard ? [] : [flag, reachable(address)]),
    ...(certificate === undefined ? [] : ['--tls-ca', 'CA']),
    ...(clientCa === undefined ? [] : ['--tls-cert', 'CERT', '--tls-key', 'KEY']),
    ...(tokenFile === undefined ? [] : ['--token-file', tokenFile]),
  ];
  return words.map((word) => ` ${word}`).join('');
}

/** What the capitals of the lines stand for. */
function notesOf(config: Config, sides: readonly Side[]): readonly (readonly [string, string])[] {
  const certificates = new Set(sides.flatMap(({ certificate }) => certificate ?? []));
  const isMutual = sides.some(({ clientCa }) => clientCa !== undefined);
  const isNamed = sides.some(({ tokenFile }) => tokenFile === 'TOKEN');
  return [
    ...[...certificates].map((file) => ['CA', NOTES.CA(file)] as const),
    ...(isMutual ? [['CERT', NOTES.CERT()] as const] : []),
    ...(isNamed ? [['TOKEN', NOTES.TOKEN(config.credentialsFile ?? '')] as const] : []),
  ];
}

/** Who listens on every address is not called by that one. */
function reachable(address: string): string {
  return address.replace(/^0\.0\.0\.0:/, '127.0.0.1:').replace(/^\[(::|(0+:){7}0+)\]:/, '[::1]:');
}

function quoted(word: string): string {
  return /^[\w./:@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

import * as value from './value.js';
import type { DurationType, ValueType } from './value.js';

/** One setting: a row of the table that flags, environment, file, help and documents come from. */
export interface Setting<T> {
  readonly type: ValueType<T>;
  /** As it would be written; empty: none. */
  readonly default: string;
  /** One sentence without a full stop. */
  readonly description: string;
}

/** Where the sidecar listens, where it keeps its data, and how it behaves. */
export const SETTINGS = {
  agent_listen: row(value.address, '127.0.0.1:7450', 'Where agents call'),
  agent_socket: row(value.path, '', 'A Unix socket where agents call too'),
  agent_socket_mode: row(value.mode, '0660', 'Permissions of the Unix socket'),
  agent_socket_owner: row(
    value.owner,
    '',
    'Whose the Unix socket is; by default the user and the group of the process',
  ),
  admin_listen: row(value.address, '127.0.0.1:7451', 'Where operators call'),
  data_dir: row(value.path, './safeguards-data', 'The folder of the store, made when missing'),
  credentials_file: row(
    value.path,
    '',
    'The YAML file of principals, with their roles and the hashes of their tokens; see security.md',
  ),
  agent_auth: row(
    value.choice('auto', 'principals', 'none'),
    'auto',
    'What agents must show: credentials of a principal, or nothing; `auto` asks where there is a `credentials_file`',
  ),
  admin_auth: row(
    value.choice('auto', 'token', 'principals', 'none'),
    'auto',
    'What operators must show: credentials of a principal, with `token` that of `admin_token_file` too, or nothing; `auto` is `principals` where there is a `credentials_file`, else `token`',
  ),
  admin_token_file: row(
    value.path,
    '',
    'The file of the admin token, made when missing; by default `admin.token` in `data_dir`',
  ),
  agent_tls_cert: row(
    value.path,
    '',
    'The certificate of `agent_listen` in PEM, with those between it and its root; with it that listener speaks TLS and nothing else',
  ),
  agent_tls_key: row(
    value.path,
    '',
    'The private key of `agent_tls_cert` in PEM, without passphrase',
  ),
  agent_tls_client_ca: row(
    value.path,
    '',
    'Who signs the certificates of agents, in PEM; with it nobody connects to `agent_listen` without one',
  ),
  admin_tls_cert: row(
    value.path,
    '',
    'The certificate of `admin_listen` in PEM, with those between it and its root; with it that listener speaks TLS and nothing else',
  ),
  admin_tls_key: row(
    value.path,
    '',
    'The private key of `admin_tls_cert` in PEM, without passphrase',
  ),
  admin_tls_client_ca: row(
    value.path,
    '',
    'Who signs the certificates of operators, in PEM; with it nobody connects to `admin_listen` without one',
  ),
  reload_interval: row(
    value.duration('1s', '1h'),
    '10s',
    'How often certificates and credentials are looked at for changes, besides when the system tells of one or SIGHUP comes',
  ),
  allowed_hosts: row(
    value.hosts,
    '',
    'Names that HTTP requests may carry in `Host` besides loopback names and IP addresses',
  ),
  backup_dir: row(value.path, '', 'The folder that backups are made in; without it there are none'),
  log_level: row(
    value.choice('info', 'warn', 'error', 'silent'),
    'info',
    'The least severe messages that are logged',
  ),
  log_format: row(
    value.choice('auto', 'json', 'text'),
    'auto',
    'How log lines are written to the standard error: `auto` is text on a terminal and else JSON',
  ),
  accept_clock: row(
    value.flag,
    'false',
    'Start although the wall clock is more than a year ahead of the store',
  ),
  webhook_private_addresses: row(
    value.flag,
    'false',
    'Allow notifications to loopback, private and shared addresses',
  ),
  webhook_allowed_ranges: row(
    value.ranges,
    '',
    'Ranges of addresses, such as `10.1.0.0/16`, that notifications may be sent to besides public ones',
  ),
  insecure: row(
    value.flag,
    'false',
    'Allow listeners that other hosts can reach, without TLS or credentials; warned about at each start',
  ),
} as const;

/** Every bound of the sidecar. GetServerInfo shows those in force. */
export const LIMITS = {
  message_bytes_max: row(
    value.size('1KiB', '64MiB'),
    '4MiB',
    'Largest request message, decompressed',
  ),
  header_bytes_max: row(
    // Each connection may hold four times as much, and no call needs more.
    value.size('1KiB', '64KiB'),
    '16KiB',
    'Largest sum of the headers of a request; HTTP/2 counts 32 bytes more for each header',
  ),
  connections_max: row(
    value.count('connections', 1, 65_535),
    '1024',
    'Most connections of a listener',
  ),
  connections_per_peer_max: row(
    value.count('connections', 1, 65_535),
    '256',
    'Most connections of one remote IP address, loopback excepted',
  ),
  calls_max: row(
    value.count('calls', 1, 1_000_000),
    '16384',
    'Most calls in progress on a listener: SERVER_BUSY beyond',
  ),
  calls_per_connection_max: row(
    value.count('calls', 1, 65_535),
    '1000',
    'Most calls in progress on one HTTP/2 connection; a client waits before it begins more',
  ),
  calls_per_second_max: row(
    value.count('calls', 0, 1_000_000),
    '0',
    'Most calls that one connection may begin in a second: SERVER_BUSY beyond; 0: any number',
  ),
  request_bytes_max: row(
    value.size('64KiB', '64GiB'),
    '64MiB',
    'Most bytes that a listener holds of requests that are not whole yet, what compressed ones may become included: SERVER_BUSY beyond',
  ),
  streams_max: row(
    value.count('streams', 1, 65_535),
    '1024',
    'Most open streaming calls of a listener: TOO_MANY_STREAMS beyond',
  ),
  batch_items_max: row(
    value.count('items', 1, 10_000),
    '1000',
    'Most items of a BatchSpend: BATCH_TOO_LARGE beyond',
  ),
  stream_items_in_work_max: row(
    value.count('items', 1, 10_000),
    '256',
    'Most items of a SpendStream that wait for their answer; beyond, the stream is not read',
  ),
  open_reservations_max: row(
    value.count('reservations', 1, 100_000),
    '1000',
    'Most open reservations of an agent: TOO_MANY_RESERVATIONS beyond',
  ),
  reservation_commits_max: row(
    value.count('commits', 1, 100_000),
    '1000',
    'Most commits of a reservation: TOO_MANY_COMMITS beyond',
  ),
  watched_agents_max: row(
    value.count('agents', 1, 100_000),
    '10000',
    'Most agents of one WatchBudgets',
  ),
  queue_commands_max: row(
    value.count('commands', 1, 1_000_000),
    '10000',
    'Most mutations that wait for their transaction: SERVER_BUSY beyond',
  ),
  group_commands_max: row(
    value.count('commands', 1, 100_000),
    // More outlive the young generation: batches of 100 took 1.74 times the CPU of Redis at 640, 1.40 at 400.
    '400',
    'Most mutations that share one transaction',
  ),
  agent_cache_max: row(
    value.count('rows', 100, 10_000_000),
    '100000',
    'Most agents kept in memory, and rows of each kind that their rules count in; a missing one is read from the store',
  ),
  reservation_cache_max: row(
    value.count('rows', 100, 10_000_000),
    '100000',
    'Most reservations kept in memory; a missing one is read from the store',
  ),
  store_map_bytes: row(
    value.size('16MiB', '16TiB'),
    '64GiB',
    'Address space mapped for the store at the start; the file grows beyond it as it must',
  ),
  idempotency_ttl: row(
    value.duration('1h', '7d'),
    '24h',
    'How long a request_id is remembered with its answer',
  ),
  late_window: row(
    value.duration('60s', '30d'),
    '7d',
    'How long after its end a reservation is kept, and after its expiry takes late commits',
  ),
  clock_jump_max: row(
    value.duration('1s', '1h'),
    '60s',
    'How far the wall clock may run ahead of the monotonic clock before it is distrusted',
  ),
  clock_settle: row(
    value.duration('1s', '24h'),
    '5m',
    'How long a distrusted wall clock must stay ahead before it is followed',
  ),
  forced_amount_max: row(
    value.amount('999999999999999999'),
    '1000000',
    'Largest amount of a spend with SPEND_MODE_FORCE, in the unit of the pool',
  ),
  entries_retention: row(
    value.duration('1h', '3650d'),
    '30d',
    'How long ledger entries are kept; older ones are folded into one opening row per account',
  ),
  entries_bytes_max: row(
    value.size('1MiB', '16TiB'),
    '4GiB',
    'Most room that ledger entries take in the store; beyond, the oldest are folded, however young',
  ),
  usage_minutes_retention: row(
    value.duration('1d', '90d'),
    '7d',
    'How long usage is kept by the minute; before that by the hour',
  ),
  usage_hours_retention: row(
    value.duration('7d', '730d'),
    '90d',
    'How long usage is kept by the hour; before that by the day',
  ),
  usage_days_retention: row(
    value.duration('90d', '3650d'),
    '730d',
    'How long usage is kept by the day',
  ),
  violations_retention: row(
    value.duration('1d', '3650d'),
    '90d',
    'How long events of violations are kept for watchers and lists; open violations stay longer',
  ),
  violations_max: row(
    value.count('events', 1_000, 100_000_000),
    '1000000',
    'Most events of violations that are kept; beyond, the oldest are cut',
  ),
  channels_max: row(
    value.count('channels', 1, 1_000),
    '100',
    'Most notification channels: TOO_MANY_RULES beyond',
  ),
  pending_deliveries_max: row(
    value.count('deliveries', 10, 10_000),
    '1000',
    'Most notifications that wait for one channel; beyond, the least severe and oldest are given up',
  ),
  dead_letters_max: row(
    value.count('deliveries', 1, 10_000),
    '1000',
    'Most dead letters of one channel that are kept; beyond, the oldest are dropped',
  ),
  dead_letters_retention: row(
    value.duration('1h', '365d'),
    '30d',
    'How long a dead letter is kept, counted from its notification',
  ),
  disk_soft_bytes: row(
    value.size('1MiB', '1TiB'),
    '256MiB',
    'Below so much free disk only what settles is taken: DISK_LOW for the rest',
  ),
  disk_hard_bytes: row(
    value.size('1MiB', '1TiB'),
    '64MiB',
    'Below so much free disk only reads are answered: DISK_LOW for the rest',
  ),
  disk_ballast_bytes: row(
    value.size('1MiB', '1TiB'),
    '16MiB',
    'The size of a file that keeps room on the disk, given back below `disk_hard_bytes`',
  ),
  sweep_interval: row(
    value.duration('100ms', '60s'),
    '1s',
    'How often expired reservations and old records are swept',
  ),
  headers_timeout: row(
    value.duration('50ms', '5m'),
    '10s',
    'How long a connection may take to say what it speaks, and HTTP/1.1 headers to arrive',
  ),
  request_timeout: row(
    value.duration('50ms', '1h'),
    '60s',
    'How long a request may take to arrive, and an answer that is ready to be taken',
  ),
  idle_timeout: row(
    value.duration('50ms', '24h'),
    '30m',
    'How long a gRPC connection without calls is kept',
  ),
  keepalive_interval: row(
    value.duration('50ms', '1h'),
    '30s',
    'After so much silence a gRPC peer is asked for a sign of life',
  ),
  keepalive_timeout: row(
    value.duration('50ms', '5m'),
    '20s',
    'How long a gRPC peer may take to give a sign of life',
  ),
  shutdown_linger: row(
    value.duration('0s', '1h'),
    '0s',
    'How long the sidecar goes on serving after the signal to stop, while agents are connected',
  ),
  shutdown_grace: row(
    value.duration('0s', '1h'),
    '20s',
    'How long calls in progress may go on after the signal to stop',
  ),
} as const;

/** Every row of the configuration. */
export const TABLE = { ...SETTINGS, ...LIMITS } as const;

/** The name of a setting, as in the file. */
export type SettingName = keyof typeof TABLE;

/** Every name, in the order of the documentation. */
export const SETTING_NAMES = Object.keys(TABLE) as readonly SettingName[];

/** The flag of a setting, such as `--agent-listen`. */
export function flagOf(name: string): string {
  return `--${name.replaceAll('_', '-')}`;
}

/** The environment variable of a setting, such as `SAFEGUARDS_AGENT_LISTEN`. */
export function variableOf(name: string): string {
  return `SAFEGUARDS_${name.toUpperCase()}`;
}

/** The field of Config that holds a setting: camel case, durations with `Ms`. */
export function fieldOf(name: SettingName): keyof Values {
  const camel = name.replace(/_(.)/g, (_match, letter: string) => letter.toUpperCase());
  return (TABLE[name].type.unit === 'duration' ? `${camel}Ms` : camel) as keyof Values;
}

type Camel<S extends string> = S extends `${infer Head}_${infer Tail}`
  ? `${Head}${Capitalize<Camel<Tail>>}`
  : S;

type FieldOf<N extends SettingName> = (typeof TABLE)[N]['type'] extends DurationType
  ? `${Camel<N>}Ms`
  : Camel<N>;

type ValueOf<N extends SettingName> =
  (typeof TABLE)[N]['type'] extends ValueType<infer T> ? T : never;

/** A value for every row: the field is the name in camel case, durations end in `Ms`. */
export type Values = { readonly [N in SettingName as FieldOf<N>]: ValueOf<N> };

function row<T, K extends ValueType<T>>(
  type: K & ValueType<T>,
  standard: string,
  description: string,
) {
  return { type, default: standard, description };
}

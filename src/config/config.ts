import path from 'node:path';
import { formatAddress } from './address.js';
import { nearest } from './nearest.js';
import { idleAuth, incompleteTls, openListeners, settledAuth } from './protection.js';
import type { AdminAuth, AgentAuth } from './protection.js';
import {
  fieldOf,
  flagOf,
  LIMITS,
  SETTING_NAMES,
  TABLE,
  variableOf,
  type SettingName,
  type Values,
} from './settings.js';
import type { ValueType } from './value.js';

/**
 * Everything the sidecar was told, checked, frozen, paths absolute. One field per row of TABLE, in
 * camel case; durations are milliseconds and end in `Ms`, sizes are bytes.
 */
export interface Config extends Omit<
  Values,
  'dataDir' | 'adminTokenFile' | 'agentAuth' | 'adminAuth'
> {
  /** Whether agents must show credentials; `auto` is settled. */
  readonly agentAuth: AgentAuth;
  /** What operators must show; `auto` is settled. */
  readonly adminAuth: AdminAuth;
  /** The folder of the store, absolute. */
  readonly dataDir: string;
  /** The file of the admin token, absolute. */
  readonly adminTokenFile: string;
}

/** A value as it was written, and where. */
export interface Given {
  readonly text: string;
  /** Such as `--data-dir`, `SAFEGUARDS_DATA_DIR` or `config.yaml line 3`. */
  readonly where: string;
}

/** What was given, by name. A flag wins over the environment, that over the file. */
export interface Sources {
  readonly flags?: Readonly<Record<string, string>>;
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** As read by `readConfigFile`. */
  readonly file?: Readonly<Record<string, Given>>;
}

/** Everything that is wrong with a configuration, each with what to do. */
export class ConfigError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(['The configuration cannot be used:', ...problems].join('\n  '));
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

/** Units of which no value is a value too. */
const MAY_BE_EMPTY: readonly string[] = ['path', 'owner'];

const PATH_FIELDS = SETTING_NAMES.filter((name) => TABLE[name].type.unit === 'path').map(fieldOf);

/** The longest path that the system takes for a Unix socket. */
const SOCKET_PATH_BYTES_MAX = 107;

/**
 * Puts the sources together: flag, environment, file, default; the first one given counts. Throws a
 * ConfigError that names `earlier` problems, every unknown name and every bad value at once.
 * Environment variables that no setting reads are not problems: see `unknownVariables`.
 */
export function resolveConfig(sources: Sources, earlier: readonly string[] = []): Config {
  const problems = [...earlier, ...unknownNames(sources)];
  const values: Record<string, unknown> = {};
  for (const name of SETTING_NAMES) {
    const given = givenOf(name, sources);
    const type: ValueType<unknown> = TABLE[name].type;
    const text = given?.text ?? TABLE[name].default;
    const value = type.read(text);
    if (value === undefined && (!MAY_BE_EMPTY.includes(type.unit) || text !== '')) {
      const example = TABLE[name].default === '' ? '' : `, such as ${TABLE[name].default}`;
      problems.push(
        `${given?.where ?? name}: "${text}" is not a value of ${name}. ` +
          `Write ${type.range}${example}.`,
      );
    }
    values[fieldOf(name)] = value;
  }
  problems.push(...contradictions(values));
  if (problems.length > 0) throw new ConfigError(problems);
  return Object.freeze(located(values as unknown as Values));
}

/** The bounds in force, by name and as they would be written: GetServerInfo.limits. */
export function limitsInForce(config: Config): Readonly<Record<string, string>> {
  const names = Object.keys(LIMITS) as readonly (keyof typeof LIMITS)[];
  return Object.fromEntries(
    names.map((name) => {
      const type: ValueType<unknown> = LIMITS[name].type;
      return [name, type.print(config[fieldOf(name)])];
    }),
  );
}

function givenOf(name: SettingName, { flags, environment, file }: Sources): Given | undefined {
  const flag = flags?.[name];
  if (flag !== undefined) return { text: flag, where: flagOf(name) };
  const variable = environment?.[variableOf(name)];
  if (variable !== undefined) return { text: variable, where: variableOf(name) };
  return file?.[name];
}

function unknownNames({ flags = {}, file = {} }: Sources): readonly string[] {
  const known = (name: string) => Object.hasOwn(TABLE, name);
  const flagProblems = Object.keys(flags)
    .filter((name) => !known(name))
    .map((name) => `${flagOf(name)}: no such flag.${nearest(flagOf(name), allFlags())}`);
  const keyProblems = Object.entries(file)
    .filter(([name]) => !known(name))
    .map(([name, { where }]) => `${where}: no setting "${name}".${nearest(name, SETTING_NAMES)}`);
  return [...flagProblems, ...keyProblems];
}

function allFlags(): readonly string[] {
  return SETTING_NAMES.map(flagOf);
}

/** What is wrong between values that are right by themselves. Undefined ones are left out. */
function contradictions(values: Partial<Values>): readonly string[] {
  const { agentListen, adminListen, agentSocket, insecure } = values;
  const problems = [...incompleteTls(values), ...idleAuth(values)];
  for (const { name, address, lacks } of insecure === true ? [] : openListeners(values)) {
    problems.push(
      `${name}: other hosts can reach ${address}, and there is no ${lacks}. ` +
        `Configure that, listen on 127.0.0.1, or allow it with --insecure.`,
    );
  }
  if (agentListen && adminListen && agentListen.port !== 0) {
    if (formatAddress(agentListen) === formatAddress(adminListen)) {
      const where = formatAddress(adminListen);
      problems.push(`admin_listen: ${where} is agent_listen too. Give each a port of its own.`);
    }
  }
  const { diskSoftBytes, diskHardBytes } = values;
  if (diskSoftBytes !== undefined && diskHardBytes !== undefined) {
    if (diskHardBytes >= diskSoftBytes) {
      problems.push('disk_hard_bytes: it must be less than disk_soft_bytes. Lower it.');
    }
  }
  if (agentSocket !== undefined) {
    const bytes = Buffer.byteLength(path.resolve(agentSocket));
    if (bytes > SOCKET_PATH_BYTES_MAX) {
      problems.push(
        `agent_socket: the path has ${bytes} bytes, and a Unix socket takes at most ` +
          `${SOCKET_PATH_BYTES_MAX}. Choose a shorter one.`,
      );
    }
  }
  return problems;
}

/** Makes every path absolute, from the working directory. */
function located(values: Values): Config {
  const dataDir = path.resolve(values.dataDir ?? TABLE.data_dir.default);
  const absolute = Object.entries(values).map(([field, value]) => {
    const isPath = PATH_FIELDS.includes(field as keyof Values) && value !== undefined;
    return [field, isPath ? path.resolve(value as string) : value] as const;
  });
  return {
    ...(Object.fromEntries(absolute) as unknown as Values),
    ...settledAuth(values),
    dataDir,
    adminTokenFile: path.resolve(values.adminTokenFile ?? path.join(dataDir, 'admin.token')),
  };
}

import { isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import type { Pair } from 'yaml';
import type { KnownPrincipal } from './credentials.js';
import { ROLES, RESERVED_NAMES } from './principal.js';
import type { Role } from './principal.js';
import { parseHash } from './token.js';

/** The principals of a file, or everything that is wrong with it. */
export interface ReadCredentials {
  readonly principals: readonly KnownPrincipal[];
  /** Each with its line and what to do. Never with what stands there: it may be a secret. */
  readonly problems: readonly string[];
}

/** Most principals of a file: each token is compared with every hash. */
export const PRINCIPALS_MAX = 1_000;

/** Most tokens of a principal. */
export const TOKENS_MAX = 16;

/** Most agents, or prefixes, of a principal. */
export const AGENTS_MAX = 1_000;

/** Most names of certificates of a principal. */
export const CERTIFICATES_MAX = 64;

/** Largest file in bytes. */
export const CREDENTIALS_BYTES_MAX = 4 * 1_048_576;

const NAME = /^[A-Za-z0-9][A-Za-z0-9._@/-]{0,127}$/;
const AGENT = /^([A-Za-z0-9][A-Za-z0-9._:/-]{0,127}|\*|[A-Za-z0-9][A-Za-z0-9._:/-]{0,126}\*)$/;
const CERTIFICATE = /^(cn|uri|dns):[\x21-\x7e][\x20-\x7e]{0,511}$/;
const KEYS = ['name', 'role', 'agents', 'tokens', 'certificates'];

/** What reading a file shares. */
interface Reading {
  readonly problems: string[];
  readonly lineOf: (node: unknown) => string;
  /** Where a name, hash or certificate was seen first. */
  readonly seen: Map<string, string>;
}

/**
 * Reads a credentials file: YAML with one list, `principals`. Every problem is named at once, with
 * its line, and then there are no principals.
 */
export function readCredentials(text: string, file: string): ReadCredentials {
  if (Buffer.byteLength(text) > CREDENTIALS_BYTES_MAX) {
    return {
      principals: [],
      problems: [`${file}: it is larger than ${CREDENTIALS_BYTES_MAX} bytes.`],
    };
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, schema: 'failsafe' });
  const at = (offset: number | undefined) => `${file} line ${lines.linePos(offset ?? 0).line}`;
  const reading: Reading = {
    problems: document.errors.map(({ pos, code }) => `${at(pos[0])}: it is no YAML (${code}).`),
    lineOf: (node) => at((node as { range?: readonly number[] } | null)?.range?.[0]),
    seen: new Map(),
  };
  const principals = reading.problems.length > 0 ? [] : principalsOf(reading, document.contents);
  return { principals: reading.problems.length > 0 ? [] : principals, problems: reading.problems };
}

function principalsOf(reading: Reading, root: unknown): readonly KnownPrincipal[] {
  const found = fieldsOf(reading, root, ['principals']);
  const list = found?.get('principals');
  if (!isSeq(list) || list.items.length === 0 || list.items.length > PRINCIPALS_MAX) {
    const where = reading.lineOf(list ?? root);
    reading.problems.push(`${where}: write "principals:" and a list of 1 to ${PRINCIPALS_MAX}.`);
    return [];
  }
  return list.items.map((item) => principalOf(reading, item));
}

function principalOf(reading: Reading, node: unknown): KnownPrincipal {
  const fields = fieldsOf(reading, node, KEYS) ?? new Map<string, unknown>();
  const where = reading.lineOf(node);
  const name = nameOf(reading, fields.get('name'), where);
  const role = roleOf(reading, fields.get('role'), where);
  const agents = textsOf(reading, fields.get('agents'), 'agents', AGENTS_MAX);
  for (const { text, line } of agents) {
    if (AGENT.test(text)) continue;
    reading.problems.push(`${line}: write an agent's id, or a prefix that ends in *.`);
  }
  if (role === 'agent' && agents.length === 0) {
    reading.problems.push(`${where}: an agent principal needs "agents", the ids that are its own.`);
  }
  if (role !== undefined && role !== 'agent' && fields.has('agents')) {
    reading.problems.push(`${where}: only the role agent has "agents". Leave it out.`);
  }
  const digests = digestsOf(reading, fields.get('tokens'));
  const certificates = certificatesOf(reading, fields.get('certificates'));
  if (!fields.has('tokens') && certificates.length === 0) {
    reading.problems.push(`${where}: give it "tokens" or "certificates", or nobody is it.`);
  }
  const own = role === 'agent' ? agents.map(({ text }) => text) : undefined;
  return { principal: { name, role: role ?? 'agent', agents: own }, digests, certificates };
}

function nameOf(reading: Reading, node: unknown, where: string): string {
  const name = scalarOf(node) ?? '';
  if (!NAME.test(name)) {
    reading.problems.push(
      `${where}: give it a "name" of letters, digits and ._@/- that begins with one of the first two.`,
    );
  } else if (RESERVED_NAMES.includes(name)) {
    reading.problems.push(`${where}: the name ${name} is the sidecar's own. Choose another.`);
  } else {
    once(reading, `name ${name}`, where, `the name ${name}`);
  }
  return name;
}

function roleOf(reading: Reading, node: unknown, where: string): Role | undefined {
  const text = scalarOf(node);
  const role = ROLES.find((each) => each === text);
  if (role === undefined) {
    const line = node === undefined ? where : reading.lineOf(node);
    reading.problems.push(`${line}: give it a "role": ${ROLES.join(', ')}.`);
  }
  return role;
}

function digestsOf(reading: Reading, node: unknown): readonly Buffer[] {
  return textsOf(reading, node, 'tokens', TOKENS_MAX).flatMap(({ text, line }) => {
    const digest = parseHash(text);
    if (digest === undefined) {
      reading.problems.push(
        `${line}: it is no hash of a token, "sha256:" and 64 hex digits. ` +
          'Make one with "safeguards token create"; a token itself never belongs here.',
      );
      return [];
    }
    once(reading, `token ${digest.toString('hex')}`, line, 'this token');
    return [digest];
  });
}

function certificatesOf(reading: Reading, node: unknown): readonly string[] {
  return textsOf(reading, node, 'certificates', CERTIFICATES_MAX).map(({ text, line }) => {
    if (CERTIFICATE.test(text)) once(reading, `certificate ${text}`, line, 'this certificate');
    else reading.problems.push(`${line}: write cn:NAME, uri:URI or dns:NAME of a certificate.`);
    return text.startsWith('dns:') ? text.toLowerCase() : text;
  });
}

/** Notes something that two principals must not share. */
function once({ problems, seen }: Reading, key: string, where: string, what: string): void {
  const first = seen.get(key);
  if (first !== undefined) problems.push(`${where}: ${what} is there already, at ${first}.`);
  else seen.set(key, where);
}

/** The values of a map by their keys. Keys that mean nothing are problems. */
function fieldsOf(reading: Reading, node: unknown, known: readonly string[]) {
  if (!isMap(node)) {
    reading.problems.push(`${reading.lineOf(node)}: write ${known.join(', ')} as "key: value".`);
    return undefined;
  }
  const fields = new Map<string, unknown>();
  for (const { key, value } of node.items as readonly Pair[]) {
    const name = scalarOf(key) ?? '';
    if (known.includes(name)) fields.set(name, value);
    else reading.problems.push(`${reading.lineOf(key)}: the keys here are ${known.join(', ')}.`);
  }
  return fields;
}

/** The texts of a list, each with its line. */
function textsOf(reading: Reading, node: unknown, key: string, max: number) {
  if (node === undefined) return [];
  const items = isSeq(node) ? node.items : undefined;
  if (items === undefined || items.length > max) {
    reading.problems.push(`${reading.lineOf(node)}: write "${key}" as a list of at most ${max}.`);
    return [];
  }
  return items.flatMap((item) => {
    const [text, line] = [scalarOf(item), reading.lineOf(item)];
    if (text !== undefined) return [{ text, line }];
    reading.problems.push(`${line}: write one text an item of "${key}".`);
    return [];
  });
}

function scalarOf(node: unknown): string | undefined {
  return isScalar(node) && typeof node.value === 'string' ? node.value : undefined;
}

import { randomUUID } from 'node:crypto';
import { fromJson, toJsonString, type JsonObject, type Message } from '@bufbuild/protobuf';
import { TABLE } from '../config/settings.js';
import { CallError } from './call-error.js';
import type { SidecarClient } from './client.js';
import type { TlsFlags } from './client-tls.js';
import { argumentLabel, fieldName, jsonOf, optionsOf } from './field-option.js';
import { EXIT, UsageError, type Terminal } from './terminal.js';
import { findAgentToken, findToken } from './token.js';
import type { Given, Verb } from './verb.js';

/** What every verb takes beside its request, as commander names it. */
export interface CommonOptions extends TlsFlags {
  readonly json?: boolean;
  readonly verbose?: boolean;
  readonly all?: boolean;
  readonly address?: string;
  readonly adminAddress?: string;
  readonly tokenFile?: string;
  readonly dataDir?: string;
}

/** Carries a verb out: makes the request, calls, prints. Resolves with the exit code. */
export async function runVerb(
  verb: Verb,
  words: readonly unknown[],
  options: Readonly<Record<string, unknown>>,
  terminal: Terminal,
): Promise<number> {
  const common = options as CommonOptions;
  const request = await requestOf(verb, words, options, terminal);
  if (common.verbose === true && 'requestId' in request) {
    terminal.err(`request_id ${String(request.requestId)}\n`);
  }
  const { client, searched } = await connected(verb, common, terminal);
  try {
    return await (verb.method.methodKind === 'unary'
      ? answer(verb, client, request, common, terminal)
      : follow(verb, client, request, common, terminal));
  } catch (error) {
    if (!(error instanceof CallError) || error.reason !== 'CREDENTIALS_MISSING') throw error;
    if (searched !== '') terminal.err(`There is no token in ${searched}.\n`);
    throw verb.listener === 'agent' ? agentsError(error) : error;
  } finally {
    client.close();
  }
}

/** The token of an agent is another one than the operators', and nothing prints where it is. */
function agentsError({ code, reason, message, metadata }: CallError): CallError {
  const advice =
    'Name the token of a principal with --token-file, SAFEGUARDS_TOKEN_FILE or SAFEGUARDS_TOKEN.';
  return new CallError({ code, reason, message, metadata, advice });
}

async function answer(
  verb: Verb,
  client: SidecarClient,
  request: Message,
  { json, all }: CommonOptions,
  terminal: Terminal,
): Promise<number> {
  let response = await client.call(verb.method, request, verb.timeoutMs);
  while (all === true && pageToken(response) !== '') {
    const next = { ...request, pageToken: pageToken(response) } as Message;
    response = joined(verb, response, await client.call(verb.method, next));
  }
  terminal.out(json === true ? `${printed(verb, response, 2)}\n` : verb.show(response));
  if (pageToken(response) !== '' && json !== true) {
    terminal.err(`There is more: add --all, or --page-token ${pageToken(response)}\n`);
  }
  return verb.exit?.(response) ?? EXIT.done;
}

/** Two pages as one: the lists of both, and what else the later one says. */
function joined({ method }: Verb, earlier: Message, later: Message): Message {
  const lists = method.output.fields.filter((field) => field.fieldKind === 'list');
  const page = (message: Message) => message as unknown as Readonly<Record<string, unknown[]>>;
  const both = lists.map(({ localName }) => [
    localName,
    [...(page(earlier)[localName] ?? []), ...(page(later)[localName] ?? [])],
  ]);
  return { ...later, ...(Object.fromEntries(both) as object) };
}

async function follow(
  verb: Verb,
  client: SidecarClient,
  request: Message,
  { json }: CommonOptions,
  terminal: Terminal,
): Promise<number> {
  for await (const response of client.stream(verb.method, request)) {
    terminal.out(json === true ? `${printed(verb, response, 0)}\n` : verb.show(response));
  }
  return EXIT.done;
}

async function requestOf(
  verb: Verb,
  words: readonly unknown[],
  options: Readonly<Record<string, unknown>>,
  terminal: Terminal,
): Promise<Message> {
  let given: Given = { ...byPosition(verb, words), ...byOption(verb, options) };
  const { input } = verb.method;
  if (input.fields.some((field) => field.name === 'request_id')) {
    given = { request_id: randomUUID(), ...given };
  }
  const complete = (await verb.complete?.(given, terminal)) ?? given;
  try {
    return fromJson(input, complete);
  } catch (error) {
    // What words say was checked one by one; what is left came from a file or from several of them.
    const reason = (error as Error).message.replace(/safeguards\.v1\.(\w+\.)?/g, '');
    throw new UsageError(`The request cannot be made: ${reason}.`);
  }
}

function byPosition({ positional, method }: Verb, words: readonly unknown[]): Given {
  const given: JsonObject = {};
  positional.forEach((argument, at) => {
    const word = words[at];
    const name = fieldName(argument);
    const field = method.input.fields.find((each) => each.name === name);
    if (Array.isArray(word)) {
      if (word.length > 0) given[name] = word as string[];
    } else if (typeof word === 'string') {
      given[name] = field === undefined ? word : jsonOf(field, argumentLabel(argument), word);
    }
  });
  return given;
}

function byOption(verb: Verb, options: Readonly<Record<string, unknown>>): Given {
  const given: JsonObject = {};
  for (const option of optionsOf(verb)) {
    const value = options[option.key];
    if (value !== undefined) given[option.field] = option.json(value);
  }
  for (const name of extraNames(verb)) {
    const value = options[name];
    if (typeof value === 'string') given[name] = value;
  }
  for (const flags of Object.keys(verb.choices ?? {})) {
    const name = /--([a-z-]+)/.exec(flags)?.[1] ?? flags;
    const value = options[name.replace(/-(.)/g, (_match, letter: string) => letter.toUpperCase())];
    if (value !== undefined) given[name.replaceAll('-', '_')] = value as string | true;
  }
  return given;
}

/** The names of options beside the request's fields, such as `file`. */
function extraNames({ extra = {} }: Verb): readonly string[] {
  return Object.keys(extra).map((flags) => /--([a-z]+)/.exec(flags)?.[1] ?? flags);
}

/** Connects to the verb's listener, for operators' with the token of the place searched. */
async function connected(
  { listener }: Verb,
  { address, adminAddress, tokenFile, dataDir, ...tls }: CommonOptions,
  terminal: Terminal,
): Promise<{ readonly client: SidecarClient; readonly searched: string }> {
  const { SidecarClient } = await import('./client.js');
  const { channelCredentials } = await import('./client-tls.js');
  const { environment } = terminal;
  if (listener === 'agent') {
    const where = address ?? environment['SAFEGUARDS_ADDRESS'] ?? TABLE.agent_listen.default;
    const { token, searched } = findAgentToken(tokenFile, terminal);
    const channel = channelCredentials(where, tls, terminal);
    return { client: new SidecarClient(where, token, channel), searched };
  }
  const fallback = environment['SAFEGUARDS_ADMIN_ADDRESS'] ?? TABLE.admin_listen.default;
  const where = adminAddress ?? fallback;
  const { token, searched } = findToken({ tokenFile, dataDir }, terminal);
  const channel = channelCredentials(where, tls, terminal);
  return { client: new SidecarClient(where, token, channel), searched };
}

function printed({ method }: Verb, response: Message, prettySpaces: number): string {
  return toJsonString(method.output, response, { alwaysEmitImplicit: true, prettySpaces });
}

function pageToken(response: Message): string {
  const token = 'nextPageToken' in response ? response.nextPageToken : '';
  return typeof token === 'string' ? token : '';
}

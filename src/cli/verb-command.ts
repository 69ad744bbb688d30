import { Argument, Option, type Command } from 'commander';
import { FIELD_HELP } from './field-help.js';
import { fieldName, optionName, optionsOf } from './field-option.js';
import type { Terminal } from './terminal.js';
import type { Verb } from './verb.js';
import { VERBS } from './verbs/table.js';

const GROUPS: Readonly<Record<string, string>> = {
  agent: 'Agents: make, change, stop',
  pool: 'Pools: where money comes from',
  budget: 'Balances of agents',
  limit: 'Spending limits: how much in a window',
  monitor: 'Monitors: expressions that are watched',
  alert: 'Alerts: who runs low',
  channel: 'Channels: where notifications go',
  delivery: 'Notifications on their way, and those that failed',
  metrics: 'Figures of agents, pools and the sidecar',
  allocate: 'New budgets for the agents of a pool',
  change: 'Changes of budgets that were made elsewhere',
  review: 'Who has much or little of a budget left',
  reservation: 'Reservations of agents',
  emergency: 'Money beyond budgets',
  'emergency policy': 'What operators allow in emergencies',
  violations: 'Violations: what went against a rule',
  level: 'The level of service of an agent',
  levels: 'Levels of service: set, show',
  schedule: 'What the sidecar does again and again',
};

/** Adds every verb of the table; all of its words but the last are commands that group. */
export function addVerbs(program: Command, terminal: Terminal, exit: (code: number) => void): void {
  const groups = new Map<string, Command>();
  for (const verb of VERBS) {
    const words = verb.words.split(' ');
    program.commandsGroup(verb.listener === 'agent' ? 'For agents:' : 'For operators:');
    let parent = program;
    for (const [at, word] of words.slice(0, -1).entries()) {
      const path = words.slice(0, at + 1).join(' ');
      parent = groups.get(path) ?? parent.command(word).description(GROUPS[path] ?? path);
      parent.helpCommand(false);
      groups.set(path, parent);
    }
    addVerb(parent.command(words.at(-1) ?? ''), verb, terminal, exit);
  }
}

function addVerb(
  command: Command,
  verb: Verb,
  terminal: Terminal,
  exit: (code: number) => void,
): void {
  command.description(verb.summary);
  for (const argument of verb.positional) command.addArgument(argumentOf(argument));
  for (const [flags, description] of Object.entries(verb.extra ?? {})) {
    command.requiredOption(flags, description);
  }
  for (const [flags, description] of Object.entries(verb.choices ?? {})) {
    command.option(flags, description);
  }
  for (const { flags, description, repeated } of optionsOf(verb)) {
    for (const flag of flags) {
      const option = new Option(flag, flag.startsWith('--no-') ? 'the opposite' : description);
      if (repeated) option.argParser(appended);
      command.addOption(option);
    }
  }
  if (verb.method.output.fields.some(({ name }) => name === 'next_page_token')) {
    command.option('--all', 'every page');
  }
  addCommonOptions(command, verb);
  command.addHelpText('after', `\nExample:\n  safeguards ${verb.example}`);
  command.action(async (...parts: unknown[]) => {
    const { runVerb } = await import('./run-verb.js');
    const words = parts.slice(0, verb.positional.length);
    exit(await runVerb(verb, words, command.opts(), terminal));
  });
}

function addCommonOptions(command: Command, { listener }: Verb): void {
  command.optionsGroup('Output:');
  command.option('--json', 'print the answer as protobuf JSON');
  command.option('--verbose', 'print the request_id that was used');
  command.optionsGroup('Sidecar:');
  if (listener === 'agent') {
    const where = 'host:port or unix:/path (SAFEGUARDS_ADDRESS, default 127.0.0.1:7450)';
    command.option('--address <address>', where);
    const token = 'the token of a principal (SAFEGUARDS_TOKEN, SAFEGUARDS_TOKEN_FILE)';
    command.option('--token-file <file>', token);
    addTlsOptions(command);
    return;
  }
  const where = 'host:port or unix:/path (SAFEGUARDS_ADMIN_ADDRESS, default 127.0.0.1:7451)';
  command.option('--admin-address <address>', where);
  const file = 'the admin token (SAFEGUARDS_ADMIN_TOKEN, SAFEGUARDS_ADMIN_TOKEN_FILE)';
  command.option('--token-file <file>', file);
  const folder = 'where the sidecar keeps admin.token (default ./safeguards-data)';
  command.option('--data-dir <dir>', folder);
  addTlsOptions(command);
}

function addTlsOptions(command: Command): void {
  const ca = 'speak TLS, and whom to trust: a PEM file or "system" (SAFEGUARDS_TLS_CA)';
  command.option('--tls-ca <file>', ca);
  command.option('--tls-cert <file>', 'a certificate of your own (SAFEGUARDS_TLS_CERT)');
  command.option('--tls-key <file>', 'its private key (SAFEGUARDS_TLS_KEY)');
}

/** `agent_id` becomes `<agent>`, `[amount]` stays optional, `[agent_ids...]` takes the rest. */
function argumentOf(argument: string): Argument {
  const name = fieldName(argument);
  const shown = `${optionName(name)}${argument.includes('...') ? '...' : ''}`;
  const word = argument.startsWith('[') ? `[${shown}]` : `<${shown}>`;
  const made = argument.startsWith('[') && name.endsWith('_id');
  const note = made ? '; made by the sidecar when left out' : '';
  return new Argument(word, `${FIELD_HELP[name] ?? ''}${note}`);
}

function appended(text: string, before: unknown): readonly string[] {
  return [...(Array.isArray(before) ? (before as string[]) : []), text];
}

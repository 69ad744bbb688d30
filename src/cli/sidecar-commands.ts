import { Option, type Command } from 'commander';
import { flagOf, LIMITS, SETTINGS, TABLE, variableOf, type Setting } from '../config/settings.js';
import type { VerificationReport } from '../ledger/api.js';
import type { RestoreReport } from '../store/restore.js';
import type { ServeOptions, StartSidecar } from './serve.js';
import type { Terminal } from './terminal.js';

/** What the composition root puts in. */
export interface Parts {
  readonly version: string;
  readonly start: StartSidecar;
  /** Verifies the store of a data directory. Rejects when it cannot be opened. */
  readonly verify: (dir: string) => Promise<VerificationReport>;
  /** Puts a backup in place of the store of a data directory. Rejects when it must not be. */
  readonly restore: (from: string, dir: string) => Promise<RestoreReport>;
}

/** Adds the commands that need no running sidecar: serve, verify, restore, demo, config. */
export function addSidecarCommands(
  program: Command,
  parts: Parts,
  terminal: Terminal,
  exit: (code: number) => void,
): void {
  program.commandsGroup('The sidecar itself:');
  addServe(program, parts, terminal, exit);
  program
    .command('verify')
    .description('Recompute every balance of a store from its ledger, served or not')
    .option('--data-dir <dir>', 'the folder of the store (SAFEGUARDS_DATA_DIR)')
    .option('--json', 'print the report as JSON')
    .addHelpText(
      'after',
      '\nExits with 0 when everything agrees, 1 with findings, 2 when it cannot be opened.' +
        '\n\nExample:\n  safeguards verify --data-dir ./safeguards-data',
    )
    .action(async ({ dataDir, json }: { dataDir?: string; json?: boolean }) => {
      const { verify } = await import('./verify.js');
      const dir = dataDir ?? terminal.environment['SAFEGUARDS_DATA_DIR'];
      exit(await verify(dir ?? TABLE.data_dir.default, json === true, parts.verify, terminal));
    });
  program
    .command('restore')
    .description('Put a backup in place of the store of a data directory that nobody serves')
    .requiredOption('--from <dir>', 'the folder of the backup')
    .option('--data-dir <dir>', 'the data directory (SAFEGUARDS_DATA_DIR)')
    .addHelpText(
      'after',
      '\nThe copy is verified first. The store that was there is moved aside and never deleted.' +
        '\nExits with 1 when nothing was restored.' +
        '\n\nExample:\n  safeguards restore --from ./backups/monday --data-dir ./safeguards-data',
    )
    .action(async ({ from, dataDir }: { from: string; dataDir?: string }) => {
      const { restore } = await import('./restore.js');
      const dir = dataDir ?? terminal.environment['SAFEGUARDS_DATA_DIR'];
      exit(await restore(from, dir ?? TABLE.data_dir.default, parts.restore, terminal));
    });
  program
    .command('demo')
    .description('Start a throwaway sidecar, use it, kill it, and say what happened')
    .addHelpText('after', '\nExample:\n  safeguards demo')
    .action(async () => {
      const { demo } = await import('./demo/demo.js');
      exit(await demo(terminal));
    });
  const token = program.command('token').description('Tokens of principals').helpCommand(false);
  token
    .command('create')
    .description('Make a token, and the hash of it that a credentials file takes')
    .option('--json', 'print both as JSON')
    .addHelpText(
      'after',
      '\nThe token is shown once and kept nowhere.\n\nExample:\n  safeguards token create',
    )
    .action(async ({ json }: { json?: boolean }) => {
      const { formatHash, newToken } = await import('../rpc/access/token.js');
      const made = newToken();
      const hash = formatHash(made);
      terminal.out(
        json === true
          ? `${JSON.stringify({ token: made, hash })}\n`
          : `token  ${made}\nhash   ${hash}\n`,
      );
    });
  const config = program.command('config').description('The configuration').helpCommand(false);
  config
    .command('docs')
    .description('Print the page about every setting, as Markdown')
    .addHelpText('after', '\nExample:\n  safeguards config docs > docs/configuration.md')
    .action(async () => {
      const { configurationDocument } = await import('../config/documentation.js');
      terminal.out(configurationDocument());
    });
}

function addServe(
  program: Command,
  parts: Parts,
  terminal: Terminal,
  exit: (code: number) => void,
): void {
  const command = program.command('serve').description('Serve until a signal comes');
  command.option('--config <file>', 'a YAML file of settings (SAFEGUARDS_CONFIG)');
  // Unknown flags are collected, so that everything wrong is reported at once.
  command.allowUnknownOption().allowExcessArguments();
  for (const [title, rows] of Object.entries({ 'Settings:': SETTINGS, 'Limits:': LIMITS })) {
    command.optionsGroup(title);
    const settings: Readonly<Record<string, Setting<unknown>>> = rows;
    for (const [name, row] of Object.entries(settings)) {
      command.addOption(settingOption(name, row));
    }
  }
  command.addHelpText(
    'after',
    `\nEvery flag has an environment variable, such as ${variableOf('data_dir')}, and a line in the` +
      '\nfile of --config, such as "data_dir: /var/lib/safeguards". A flag wins over the environment,' +
      '\nthat over the file.\n\nExample:\n  safeguards serve --data-dir /var/lib/safeguards',
  );
  command.action(async () => {
    const { serve } = await import('./serve.js');
    const { config, ...given } = command.opts<Record<string, string | true>>();
    const options = serveOptions(given, command.args);
    const file = typeof config === 'string' ? config : undefined;
    exit(await serve({ ...options, file }, parts.start, terminal));
  });
}

function settingOption(name: string, { type, default: standard, description }: Setting<unknown>) {
  const takes = type.unit === 'flag' ? '[true|false]' : `<${type.unit}>`;
  const note = standard === '' ? type.range : `${type.range}, default ${standard}`;
  return new Option(`${flagOf(name)} ${takes}`, `${description} (${note})`);
}

/** Splits what commander kept and what it could not place. */
function serveOptions(
  given: Readonly<Record<string, string | true>>,
  words: readonly string[],
): Omit<ServeOptions, 'file'> {
  const flags: Record<string, string> = {};
  for (const [key, value] of Object.entries(given)) flags[snake(key)] = String(value);
  const excess: string[] = [];
  words.forEach((word, at) => {
    const [, name, value] = /^--([^=]+)(?:=(.*))?$/.exec(word) ?? [];
    if (name !== undefined) flags[name.replaceAll('-', '_')] = value ?? '';
    else if (!/^--[^=]+$/.test(words[at - 1] ?? '')) excess.push(word);
  });
  return { flags, excess };
}

function snake(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

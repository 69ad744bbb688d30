import { Command, CommanderError } from 'commander';
import { ConfigError } from '../config/config.js';
import { CallError } from './call-error.js';
import { addSidecarCommands, type Parts } from './sidecar-commands.js';
import { EXIT, UsageError, type Terminal } from './terminal.js';

/** Runs one command line. Resolves with the exit code; never rejects. */
export async function run(
  argv: readonly string[],
  parts: Parts,
  terminal: Terminal,
): Promise<number> {
  let code: number = EXIT.done;
  const exit = (value: number) => {
    code = value;
  };
  const program = new Command('safeguards')
    .description('Budgets for AI agents, enforced beside the agent.')
    .version(parts.version, '--version', 'print the version')
    .helpCommand(false);
  addSidecarCommands(program, parts, terminal, exit);
  // The verbs bring every message of the API with them; a sidecar about to start loads those later.
  if (!program.commands.some((command) => command.name() === argv[0])) {
    const { addVerbs } = await import('./verb-command.js');
    addVerbs(program, terminal, exit);
  }
  for (const command of everyCommand(program)) {
    command
      .exitOverride()
      .configureOutput({
        writeOut: (text) => terminal.out(text),
        writeErr: (text) => terminal.err(text),
      })
      .showHelpAfterError('Add --help for what can be said.');
  }
  try {
    await program.parseAsync(argv.map(asFlag), { from: 'user' });
    return code;
  } catch (error) {
    return failed(error, argv.includes('--json'), terminal);
  }
}

function everyCommand(command: Command): readonly Command[] {
  return [command, ...command.commands.flatMap(everyCommand)];
}

/** Says what went wrong. Returns the exit code. */
function failed(error: unknown, json: boolean, terminal: Terminal): number {
  if (error instanceof CommanderError) {
    // Commander has printed it; asking for help is no error, and help instead of a command is.
    return error.exitCode === 0 && error.code !== 'commander.help' ? EXIT.done : EXIT.usage;
  }
  if (error instanceof CallError) {
    terminal.err(json ? error.asJson() : error.asText());
    return EXIT.error;
  }
  const message = error instanceof Error ? error.message : String(error);
  terminal.err(`${message}\n`);
  return error instanceof UsageError || error instanceof ConfigError ? EXIT.usage : EXIT.error;
}

/** A flag written as its setting is named, `--data_dir`, is the flag `--data-dir`. */
function asFlag(word: string): string {
  const [, name, rest] = /^--([a-z]+(?:_[a-z]+)+)(=.*)?$/.exec(word) ?? [];
  return name === undefined ? word : `--${name.replaceAll('_', '-')}${rest ?? ''}`;
}

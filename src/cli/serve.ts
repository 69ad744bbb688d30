import { resolveConfig, type Config } from '../config/config.js';
import { startWarnings } from '../config/warnings.js';
import type { Log } from '../telemetry/log.js';
import { banner } from './banner.js';
import { EXIT, type Terminal } from './terminal.js';

/** A sidecar that serves. */
export interface Sidecar {
  readonly version: string;
  readonly storeId: string;
  /** Where agents call, as bound: `host:port`. */
  readonly agentAddress: string;
  /** Where operators call, as bound: `host:port`. */
  readonly adminAddress: string;
  /**
   * Stops: health says NOT_SERVING, agents that are connected are served for `shutdown_linger`, calls
   * in progress have `shutdown_grace` to end, streams end,
   * then the store is closed. Settles when all of that is done.
   */
  close(): Promise<void>;
}

/** Opens the store and serves. `fail` is called once when the store can no longer be trusted. */
export type StartSidecar = (
  config: Config,
  log: Log,
  fail: (error: unknown) => void,
) => Promise<Sidecar>;

/** What was said on the command line. */
export interface ServeOptions {
  /** Values by the names of settings, and whatever else looked like a flag. */
  readonly flags: Readonly<Record<string, string>>;
  /** The YAML file. */
  readonly file: string | undefined;
  /** Words that belong to nothing. */
  readonly excess: readonly string[];
}

/** How long after the grace period the process leaves although something still hangs. */
const HANG_MS = 5_000;

/** Under npm one Ctrl-C arrives twice, from the terminal and from npm. */
const ECHO_MS = 500;

/** Serves until a signal. Resolves with the exit code; the second signal exits at once. */
export async function serve(
  options: ServeOptions,
  start: StartSidecar,
  terminal: Terminal,
): Promise<number> {
  const config = await configOf(options, terminal);
  const { createLog } = await import('../telemetry/log.js');
  const log = createLog(config);
  for (const warning of startWarnings(config, terminal.environment)) log.warn({}, warning);

  const fail = (error: unknown) => {
    const advice = 'If it happens again, run safeguards verify and restore a backup';
    log.error({ error, advice }, 'The sidecar cannot go on and leaves');
    process.exit(EXIT.error);
  };
  process.on('uncaughtException', fail);
  const signals = firstSignal(log, terminal);
  try {
    const sidecar = await start(config, log, fail);
    const { agentAddress, adminAddress, storeId, version } = sidecar;
    log.info({ agentAddress, adminAddress, storeId, version }, 'Serving');
    terminal.out(banner(config, sidecar));
    terminal.parent?.tell({ agentAddress, adminAddress });

    log.info({ signal: await signals.first }, 'Stopping; a second signal exits now');
    await closed(sidecar, config, log);
    log.info({}, 'Stopped');
    return EXIT.done;
  } finally {
    process.off('uncaughtException', fail);
    signals.dispose();
    terminal.parent?.leave();
  }
}

/** Closes the sidecar, or leaves when something hangs long after the grace period. */
async function closed(sidecar: Sidecar, config: Config, log: Log): Promise<void> {
  const hang = setTimeout(
    () => {
      log.error({}, 'Something did not stop within the grace period');
      process.exit(EXIT.error);
    },
    config.shutdownLingerMs + config.shutdownGraceMs + HANG_MS,
  );
  await sidecar.close();
  clearTimeout(hang);
}

async function configOf(options: ServeOptions, terminal: Terminal): Promise<Config> {
  const { environment } = terminal;
  const problems = options.excess.map((word) => `${word}: nothing here takes that word.`);
  const file = options.file ?? environment['SAFEGUARDS_CONFIG'];
  const sources = { flags: options.flags, environment };
  if (file === undefined) return resolveConfig(sources, problems);
  const { readConfigFile } = await import('../config/file.js');
  return resolveConfig({ ...sources, file: readConfigFile(file) }, problems);
}

interface Signals {
  /** The name of the first one; `disconnect` when the process that forked this one has gone. */
  readonly first: Promise<string>;
  /** Gives the signals back their usual meaning. */
  dispose(): void;
}

/** Listens for signals to stop. The second one exits at once. */
function firstSignal(log: Log, { parent }: Terminal): Signals {
  let stop: (name: string) => void = () => undefined;
  const first = new Promise<string>((resolve) => {
    stop = resolve;
  });
  let stoppedAt: number | undefined;
  const heard = (name: string, code: number) => {
    if (stoppedAt === undefined) {
      stoppedAt = Date.now();
      stop(name);
    } else if (Date.now() - stoppedAt > ECHO_MS) {
      log.warn({ signal: name }, 'Leaving now');
      process.exit(128 + code);
    }
  };
  const listeners = {
    SIGTERM: () => heard('SIGTERM', 15),
    SIGINT: () => heard('SIGINT', 2),
  };
  for (const [name, listener] of Object.entries(listeners)) process.on(name, listener);
  // Nobody else would stop a sidecar whose parent has gone.
  parent?.onGone(() => stop('disconnect'));
  return {
    first,
    dispose: () => {
      for (const [name, listener] of Object.entries(listeners)) process.off(name, listener);
    },
  };
}

import { isatty } from 'node:tty';
import { destination, pino, stdTimeFunctions } from 'pino';
import type { Config } from '../config/config.js';
import { redacted } from './redacted.js';

/** What a line of the log is about, beside its message. Secrets in it are not written. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Where the sidecar says what happens to it. Writing never throws and is done when it returns. */
export interface Log {
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
}

/** Takes finished lines, each with its line feed. */
export interface LogSink {
  write(line: string): void;
}

const STANDARD_ERROR = 2;

/** Makes the log that a configuration asks for. By default it writes to the standard error. */
export function createLog(
  { logLevel, logFormat }: Pick<Config, 'logLevel' | 'logFormat'>,
  sink: LogSink = destination({ dest: STANDARD_ERROR, sync: true }),
): Log {
  const asText = logFormat === 'text' || (logFormat === 'auto' && isatty(STANDARD_ERROR));
  const logger = pino(
    {
      level: logLevel,
      base: null,
      messageKey: 'message',
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (level) => ({ level }) },
    },
    asText ? { write: (line: string) => sink.write(textOf(line)) } : sink,
  );
  return {
    info: (fields, message) => logger.info(redacted(fields), redacted(message)),
    warn: (fields, message) => logger.warn(redacted(fields), redacted(message)),
    error: (fields, message) => logger.error(redacted(fields), redacted(message)),
  };
}

/** A line for people: time of day, level, message, then the fields. */
function textOf(line: string): string {
  const { level, time, message, ...fields } = JSON.parse(line) as Record<string, unknown>;
  const pairs = Object.entries(fields).map(([name, value]) => {
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    return ` ${name}=${text.includes('\n') ? `\n${text}` : text}`;
  });
  return `${String(time).slice(11, 23)} ${String(level).padEnd(5)} ${String(message)}${pairs.join('')}\n`;
}

/** What a line of the log is about, beside its message. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Where deliveries say what happens to them. Writing never throws. */
export interface Log {
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
}

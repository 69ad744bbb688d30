/**
 * Every bound of the sidecar: its name in flags, environment and file, its unit, default and range.
 * `docs/configuration.md` is held equal to this table by a test.
 */
export const LIMITS = {
  message_bytes_max: bound('bytes', 4_194_304, 1_024, 67_108_864, 'largest request message'),
} as const;

export interface Limit {
  readonly unit: string;
  readonly default: number;
  readonly min: number;
  readonly max: number;
  readonly description: string;
}

function bound(unit: string, value: number, min: number, max: number, description: string): Limit {
  return { unit, default: value, min, max, description };
}

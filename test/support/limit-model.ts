import type { LimitWindow } from '../../src/domain/window.js';
import { HOUR, MINUTE } from '../fakes/manual-time.js';

const calendar = { kind: 'CALENDAR', zone: 'UTC', weekStart: 1 } as const;

/** A limit of each kind of window, by the id of its agent. */
export const WINDOWS: Readonly<Record<string, LimitWindow>> = {
  hour: { ...calendar, unit: 'HOUR' },
  day: { ...calendar, unit: 'DAY' },
  month: { ...calendar, unit: 'MONTH' },
  rolling: { kind: 'ROLLING', durationMs: HOUR },
  life: { kind: 'LIFETIME' },
};

/** Limits in UTC as a few lines have them, which read no counter: every spend there was is kept. */
export class LimitModel {
  readonly #max: number;
  readonly #spends = new Map<string, { readonly time: number; readonly amount: number }[]>();

  /** Each agent has spent a first amount at a time. */
  constructor(max: number, time: number, first: number) {
    this.#max = max;
    for (const id of Object.keys(WINDOWS)) this.#spends.set(id, [{ time, amount: first }]);
  }

  spend(id: string, amount: number, now: number): 'OK' | 'DENIED' {
    const spends = this.#spends.get(id) ?? [];
    const counted = spends.filter(({ time }) => counts(id, time, now));
    const sum = counted.reduce((total, one) => total + one.amount, 0);
    if (sum + amount > this.#max) return 'DENIED';
    spends.push({ time: now, amount });
    return 'OK';
  }
}

/** Whether what was spent at a time still counts. */
function counts(id: string, time: number, now: number): boolean {
  const shown = (length: number) =>
    new Date(time).toISOString().slice(0, length) === new Date(now).toISOString().slice(0, length);
  switch (id) {
    case 'hour':
      return shown('2026-01-01T00'.length);
    case 'day':
      return shown('2026-01-01'.length);
    case 'month':
      return shown('2026-01'.length);
    case 'rolling':
      // A slice, here a minute, leaves as a whole once its end is an hour ago.
      return (Math.floor(time / MINUTE) + 1) * MINUTE + HOUR > now;
    default:
      return true;
  }
}

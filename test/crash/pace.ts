import { setTimeout as pass } from 'node:timers/promises';

/** Lets its caller through once per interval. A turn that comes late is not made up for. */
export function pacer(intervalMs: number): () => Promise<void> {
  let next = performance.now();
  return async () => {
    next = Math.max(performance.now(), next + intervalMs);
    await pass(next - performance.now());
  };
}

/** The value below which a share of them lies. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) * share)] ?? 0;
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

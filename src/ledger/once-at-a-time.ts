import { reject, type Rejection } from '../domain/answer.js';

/** Runs a long job unless one of its kind runs. */
export function onceAtATime(): <T>(kind: string, job: () => Promise<T>) => Promise<T | Rejection> {
  const running = new Set<string>();
  return async (kind, job) => {
    if (running.has(kind)) {
      return {
        ...reject('SERVER_BUSY', `Another ${kind} is running. Try again when it has ended`),
        retryAfterMs: 1_000,
      };
    }
    running.add(kind);
    try {
      return await job();
    } finally {
      running.delete(kind);
    }
  };
}

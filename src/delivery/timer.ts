/** Calls back once. */
export interface Timer {
  /** Calls after at least so many milliseconds, at most 2^31 - 1. Returns what cancels it. */
  after(ms: number, call: () => void): () => void;
}

/** The machine's timer. It does not keep the process alive. */
export const machineTimer: Timer = {
  after: (ms, call) => {
    const timer = setTimeout(call, ms);
    timer.unref();
    return () => clearTimeout(timer);
  },
};

/**
 * Loaded before a sidecar whose time is to pass faster than ours: its clocks, not its timers. What is kept
 * for an hour at least is then over within ten minutes of a benchmark.
 */

/** Seconds that pass for the sidecar in one of ours. */
const LAPSE = 6;

const wall = Date.now.bind(Date);
const monotonic = performance.now.bind(performance);
const begin = wall();

Date.now = () => begin + (wall() - begin) * LAPSE;
performance.now = () => monotonic() * LAPSE;

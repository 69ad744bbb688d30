/** How often the process that verifies says that it gets on. */
export const BEAT_MS = 1_000;

/** What it says. */
export const GETS_ON = 'GETS_ON';

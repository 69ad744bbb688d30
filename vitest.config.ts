import { defineConfig } from 'vitest/config';

// Suites that start real processes, kill them or call in from other languages. They run after the
// rest and one file at a time, so that neither disturbs the timing of the other. What takes minutes
// inside them asks the environment before it runs.
const heavy = ['test/crash/**/*.test.ts', 'test/interop/**/*.test.ts', 'test/bench/smoke.test.ts'];

export default defineConfig({
  test: {
    globals: false,
    pool: 'forks',
    unstubEnvs: true,
    setupFiles: ['test/support/secret-guard.ts'],
    projects: [
      {
        extends: true,
        test: {
          name: 'core',
          include: ['test/**/*.test.ts'],
          exclude: heavy,
          testTimeout: 20_000,
          hookTimeout: 20_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'heavy',
          include: heavy,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});

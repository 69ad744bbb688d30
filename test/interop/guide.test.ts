/** docs/guide.md: every step runs in both languages and prints what the page shows. */
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  page,
  runCommands,
  runPython,
  runTypeScript,
  sectionsOf,
  type Step,
} from '../support/guide.js';
import { ROOT, startSidecar, type TestSidecar } from '../support/sidecar.js';
import { hasTool, output } from '../support/tools.js';

const python = process.env['SAFEGUARDS_PYTHON'] ?? 'python3';
const hasPython = hasTool('Python with examples/python/requirements.txt', python, [
  '-c',
  'import grpc, grpc_tools, grpc_status',
]);

/** The sections of the guide in their order, and the RPCs that each shows in both languages. */
const SECTIONS: readonly (readonly [title: string, rpcs: readonly string[]])[] = [
  ['Before you begin', ['ListPools']],
  ['Budget pools', ['CreatePool', 'ListPools', 'GetSystemMetrics']],
  [
    'Agent budgets',
    ['CreateAgent', 'GetBudget', 'Spend', 'Reserve', 'Commit', 'UpdateAgent', 'ListAgents'],
  ],
  ['Fixed allocation', ['CreateAgent', 'SetBudget']],
  ['Dynamic allocation', ['AllocateDynamic']],
  ['Priority-based allocation', ['AllocateByPriority']],
  ['Tracking usage', ['GetAgentMetrics', 'GetUsageHistory', 'GetPoolMetrics']],
  [
    'Setting spending limits',
    [
      'CreateSpendingLimit',
      'GetSpendingLimit',
      'CreateBudgetMonitor',
      'ReportViolation',
      'ListViolations',
    ],
  ],
  [
    'Budget alerts',
    [
      'CreateBudgetAlert',
      'WatchViolations',
      'CreateNotificationChannel',
      'TestNotificationChannel',
    ],
  ],
  ['Emergency budget allocation', ['SetEmergencyPolicy', 'RequestEmergencyAllocation']],
  ['Budget rebalancing', ['RebalancePool']],
  [
    'Tracking and logging',
    ['ListBudgetChanges', 'RecordBudgetChange', 'ExportLedger', 'VerifyLedger'],
  ],
  ['Regular budget reviews', ['RunBudgetReview', 'CreateSchedule', 'RunSchedule']],
  ['Graceful degradation', ['SetServiceLevels', 'GetServiceLevel']],
];

const sections = sectionsOf(page('guide.md'));
const steps = sections.flatMap(({ title, steps }) =>
  steps.map((step, at) => ({ ...step, title: `${title}, step ${at + 1}` })),
);

describe('the guide', () => {
  test('has every section, in order, and each a step', () => {
    expect(sections.map(({ title }) => title)).toEqual(SECTIONS.map(([title]) => title));
    for (const { title, steps } of sections) expect(steps, title).not.toEqual([]);
  });

  test.each(SECTIONS)('shows in "%s" in both languages: %j', (wanted, rpcs) => {
    const own = sections.find(({ title }) => title === wanted)?.steps ?? [];
    const shown = (language: 'python' | 'typescript') => own.map((step) => step[language]).join('');
    for (const rpc of rpcs) {
      expect(shown('python')).toContain(`.${rpc}(`);
      expect(shown('typescript')).toContain(`.${rpc[0]?.toLowerCase()}${rpc.slice(1)}(`);
    }
  });

  test.each([
    ['python', 'a block of "typescript" where python is due'],
    ['typescript', 'a block of "text" where typescript is due'],
    ['text', 'nothing where text is due'],
  ])('is not read as whole when a block of %s is missing', (language, what) => {
    const blocks = ['python', 'typescript', 'text'].filter((other) => other !== language);
    const document = ['### One', ...blocks.map((name) => `\`\`\`${name}\nx\n\`\`\``)].join('\n\n');
    expect(() => sectionsOf(document)).toThrow(`Step 1 of "One" has ${what}`);
  });

  test.each(steps)('shows what $title prints', ({ text }) => {
    expect(text).not.toBe('');
  });
});

describe.skipIf(!hasPython)('the guide in Python', { timeout: 300_000 }, () => {
  test('prints what it shows', async () => {
    await withSidecar(async (sidecar) => {
      const blocks = steps.map((step) => step.python);
      expectShown(await runPython(python, blocks, sidecar), steps);
    });
  });
});

describe('the guide in TypeScript', { timeout: 300_000 }, () => {
  test('prints what it shows', async () => {
    await withSidecar(async (sidecar) => {
      const blocks = steps.map((step) => step.typescript);
      expectShown(await runTypeScript(blocks, sidecar), steps);
    });
  });
});

describe('the guide on the command line', { timeout: 300_000 }, () => {
  test('has lines that do what they say', async () => {
    const lines = sections.flatMap(({ commands }) => commands);
    expect(lines).not.toEqual([]);
    await withSidecar((sidecar) => runCommands(lines, sidecar));
  });

  test('has the examples of limits that docs/limits.md shows', async () => {
    const examples = [...page('limits.md').matchAll(/`(safeguards limit [^`]+)`/g)];
    expect(examples).toHaveLength(9);
    const lines = ['safeguards pool create research', 'safeguards agent create writer'];
    await withSidecar((sidecar) =>
      runCommands([...lines, ...examples.map(([, line = '']) => line)], sidecar),
    );
  });
});

test('safeguards demo walks the sections in order, and all that it expects holds', async () => {
  const out = await output(process.execPath, [path.join(ROOT, 'dist/main.js'), 'demo']);
  const titles = SECTIONS.map(([title]) => title).filter((title) => title !== 'Before you begin');
  const chapters = [...out.matchAll(/^(?:(\S.*)\n {2}(?:ok|FAIL) )/gm)].map(([, title]) => title);
  expect(chapters.slice(0, titles.length)).toEqual(titles);
});

type Titled = Step & { readonly title: string };

function expectShown(printed: readonly string[], shown: readonly Titled[]): void {
  expect(shown.map(({ title }, at) => ({ title, text: printed[at] }))).toEqual(
    shown.map(({ title, text }) => ({ title, text })),
  );
}

async function withSidecar(use: (sidecar: TestSidecar) => Promise<void>): Promise<void> {
  const sidecar = await startSidecar();
  try {
    await use(sidecar);
  } finally {
    expect(await sidecar.stop()).toBe(0);
  }
}

/** `npm run bench -- [scenario ...]`: measures, prints and keeps. */
import path from 'node:path';
import { parseArgs } from 'node:util';
import { within } from './bound.js';
import { writeDocument } from './document.js';
import { thisMachine } from './machine.js';
import { keep, keptResult, keptResults, resultOf } from './report.js';
import type { Effort, Scenario } from './scenario.js';
import { ON_DEMAND, SCENARIOS } from './scenarios/scenarios.js';
import { openStage } from './stage.js';
import { tablesOf } from './tables.js';
import { missingTools } from './tools.js';

const BUILD = 'dist/main.js';

/** Results that are kept here stand in the documentation. */
const RESULTS = 'bench/results';

/** A scenario that takes so many times as long as it should is given up. */
const PATIENCE = 3;

/** What the quickest scenario is given all the same, on a machine that others use. */
const PATIENCE_SECONDS = 120;

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

const { values, positionals } = options();

const known = [...SCENARIOS, ...ON_DEMAND];
const names = known.map(({ name }) => name);
const unknown = positionals.filter((name) => name !== 'all' && !names.includes(name));
if (unknown.length > 0) {
  refuse(`No scenario ${unknown.join(', ')}. There are: all, ${names.join(', ')}.`);
}

const effort: Effort = {
  rounds: numberOf('rounds', values.rounds, { min: 1, whole: true }),
  seconds: numberOf('seconds', values.seconds, { min: 0.1 }),
  scale: numberOf('scale', values.scale, { min: 0.001, max: 1 }),
  minutes: numberOf('minutes', values.minutes, { min: 0.1 }),
};
const here = thisMachine();
// Another build is of a commit that nobody here knows.
const machine = values.sidecar === BUILD ? here : { ...here, commit: 'unknown' };
const asked = known.filter(({ name }) => positionals.includes(name));
const wanted = positionals.length === 0 || positionals.includes('all') ? SCENARIOS : asked;
const skipped: string[] = [];
const failed: string[] = [];
const chosen = wanted.filter(isNeeded).filter(hasTools);
const whole = chosen.reduce((sum, { estimate }) => sum + estimate(effort), 0);
console.log(`${chosen.map(({ name }) => name).join(', ')}: about ${timeText(whole)}`);

for (const scenario of chosen) {
  const estimate = scenario.estimate(effort);
  console.log(`\n${scenario.name}: ${scenario.title}, about ${timeText(estimate)}`);
  try {
    await measureOne(scenario, Math.max(PATIENCE_SECONDS, PATIENCE * estimate));
  } catch (error) {
    console.error(`FAILED ${scenario.name}:`, error instanceof Error ? error.stack : error);
    failed.push(scenario.name);
  }
}

for (const line of skipped) console.log(line);
if (failed.length > 0) {
  console.error(`FAILED: ${failed.join(', ')}. Run them again with --resume.`);
  process.exitCode = 1;
}

async function measureOne(scenario: Scenario, bound: number): Promise<void> {
  const stage = openStage({
    sidecarScript: path.resolve(values.sidecar),
    profileFolder: values.profile,
    cacheFolder: path.resolve(values.cache),
  });
  const leave = (): void => {
    // Peers are no children that leave by themselves.
    void stage.close().finally(() => process.exit(130));
  };
  for (const signal of SIGNALS) process.once(signal, leave);
  try {
    const outcome = await within(bound, scenario.run(stage, effort));
    const result = resultOf(scenario, outcome, effort, machine);
    keep(result, values.results, names);
    if (values.results === RESULTS) writeDocument(keptResults(RESULTS, names));
    console.log(tablesOf([result]).join('\n'));
  } finally {
    for (const signal of SIGNALS) process.off(signal, leave);
    await stage.close();
  }
}

function isNeeded({ name }: Scenario): boolean {
  const kept = values.resume ? keptResult(values.results, name) : undefined;
  if (kept === undefined) return true;
  const isSame =
    kept.machine.commit === machine.commit &&
    JSON.stringify(kept.effort) === JSON.stringify(effort);
  if (isSame) console.log(`${name} has a result of ${machine.commit} already`);
  return !isSame;
}

function hasTools({ name, needs }: Scenario): boolean {
  const missing = missingTools(needs);
  if (missing.length === 0) return true;
  const line = `SKIPPED ${name}: ${missing.join(', ')} is not installed`;
  console.log(line);
  skipped.push(line);
  return false;
}

function timeText(seconds: number): string {
  return seconds < 90 ? `${Math.ceil(seconds)} s` : `${Math.ceil(seconds / 60)} min`;
}

function options() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        rounds: { type: 'string', default: '5' },
        seconds: { type: 'string', default: '3' },
        /** Large stores at a part of their size, such as 0.01. */
        scale: { type: 'string', default: '1' },
        /** How long `churn` goes on. */
        minutes: { type: 'string', default: '30' },
        /** Where results are kept. */
        results: { type: 'string', default: RESULTS },
        /** Skips what has a result of this commit and effort already. */
        resume: { type: 'boolean', default: false },
        /** Where large stores are kept from run to run. */
        cache: { type: 'string', default: '.cache/bench-stores' },
        /** The compiled sidecar. */
        sidecar: { type: 'string', default: BUILD },
        /** A folder for CPU profiles of the sidecar: what was profiled is slower. */
        profile: { type: 'string' },
      },
    });
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error));
  }
}

function numberOf(
  name: string,
  text: string,
  { min, max = 1_000_000, whole = false }: { min: number; max?: number; whole?: boolean },
): number {
  const value = Number(text);
  if (value >= min && value <= max && (!whole || Number.isInteger(value))) return value;
  const kind = whole ? 'a whole number' : 'a number';
  return refuse(`--${name} is ${kind} from ${min} to ${max}, not '${text}'`);
}

function refuse(message: string): never {
  console.error(message);
  process.exit(2);
}

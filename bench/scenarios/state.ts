import { KEEP_FLAGS } from '../flags.js';
import { spends } from '../loads.js';
import { AGENTS } from '../requests.js';
import { setRules } from '../rules.js';
import { comparison, type Effort, type Scenario } from '../scenario.js';
import { copyOf, seededStore, seedSeconds, type Seed } from '../seed/seed.js';
import { side, throughputRatio } from '../sides.js';
import { MANY } from './unary.js';

/** Agents of the large store. */
const MANY_AGENTS = 1_000_000;

/** The agents of the large store at the scale of a run; never fewer than the load has. */
export function manyAgents({ scale }: Effort): number {
  return Math.max(AGENTS, Math.round(MANY_AGENTS * scale));
}

/** A store of so many agents that have not spent yet. */
export function agentsSeed(agents: number): Seed & { readonly kind: 'fill' } {
  return { kind: 'fill', agents, entries: 0 };
}

const agents = comparison({
  name: 'agents',
  title: `Spend, ${MANY} in flight, spread evenly over 1,000,000 agents instead of 1,000`,
  gauges: [
    {
      name: 'throughput / with 1,000 agents',
      unit: '',
      target: { atLeast: 0.8 },
      of: throughputRatio,
    },
  ],
  sideCount: 2,
  setup: (effort) => 10 + seedSeconds(agentsSeed(manyAgents(effort))),
  sides: async (stage, effort) => {
    const count = manyAgents(effort);
    const dataDir = copyOf(stage, await seededStore(stage, agentsSeed(count)));
    return [
      await side('1,000 agents', spends(MANY), await stage.sidecar()),
      await side(
        `${count.toLocaleString('en')} agents`,
        spends(MANY, count),
        await stage.sidecar({ dataDir, flags: KEEP_FLAGS }),
      ),
    ];
  },
});

const rules = comparison({
  name: 'rules',
  title: `Spend, ${MANY} in flight, 10 limits, 2 alerts and 1 monitor on each agent`,
  gauges: [
    { name: 'throughput / without', unit: '', target: { atLeast: 0.7 }, of: throughputRatio },
  ],
  sideCount: 2,
  sides: async (stage) => {
    const ruled = await stage.sidecar();
    await setRules(ruled.admin);
    return [
      await side('without', spends(MANY), await stage.sidecar()),
      await side('with', spends(MANY), ruled),
    ];
  },
});

/** The same spends on a store that holds more. */
export const STATE: readonly Scenario[] = [agents, rules];

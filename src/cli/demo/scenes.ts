import { Decision, DenialReason } from '../../gen/safeguards/v1/decision_pb.js';
import { nameIn } from '../show.js';
import { admin, agent, reasonOf, spend } from './calls.js';
import type { Child } from './child.js';
import type { Story } from './story.js';

const CONCURRENT = 32;
const SPENDS_EACH = 10;

/** Money comes from a pool, and never more than it has. */
export async function pools({ operators }: Child, story: Story): Promise<void> {
  story.chapter('A pool and its agents');
  const made = await operators.call(admin.createPool, {
    poolId: 'research',
    name: 'Research',
    initialBudget: '100',
  });
  story.equal('Pool research was made. Free in it:', made.pool?.free, '100');
  for (const [agentId, initialBudget] of Object.entries({
    writer: '10',
    reader: '5',
    tools: '10',
  })) {
    const given = { agentId, name: agentId, poolId: 'research', initialBudget };
    const { budget } = await operators.call(admin.createAgent, given);
    story.equal(`Agent ${agentId} was made. Available to it:`, budget?.available, initialBudget);
  }
  const greedy = { agentId: 'greedy', name: 'greedy', poolId: 'research', initialBudget: '500' };
  const reason = await reasonOf(operators.call(admin.createAgent, greedy));
  story.equal('An agent of 500 is refused with', reason, 'INSUFFICIENT_POOL_BUDGET');
}

/** Calls that race for the same money get exactly what is there. */
export async function race({ agents }: Child, story: Story): Promise<void> {
  story.chapter(`${CONCURRENT} spends of 0.75 at once, on the 10 of writer`);
  const answers = await Promise.all(
    numbers(CONCURRENT).map((at) => spend(agents, 'writer', '0.75', `race-${at}`)),
  );
  const approved = answers.filter(({ decision }) => decision === Decision.APPROVED);
  const denied = answers.filter(({ decision }) => decision === Decision.DENIED);
  story.equal('Approved:', String(approved.length), '13');
  story.equal('Denied:', String(denied.length), '19');
  const { budget } = await agents.call(agent.getBudget, { agentId: 'writer' });
  story.equal('Spent, to the last digit:', budget?.spent, '9.75');
  const denial = denied.at(-1)?.denial;
  const reason = nameIn(DenialReason, denial?.reason ?? 0);
  story.equal('Each denial says by what:', reason, 'INSUFFICIENT_BUDGET');
  story.equal('by how much:', denial?.shortfall, '0.5');
  story.equal('and what would pass:', denial?.largestAmount, '0.25');
}

/** Money is held before a call whose cost is not known yet. */
export async function hold({ agents }: Child, story: Story): Promise<void> {
  story.chapter('A hold, on the 5 of reader');
  const held = await agents.call(agent.reserve, {
    requestId: 'hold-1',
    agentId: 'reader',
    amount: '4',
  });
  story.equal('4 are reserved before the call. Available:', held.budget?.available, '1');
  const denied = await spend(agents, 'reader', '2', 'hold-2');
  story.equal('A spend of 2 is', nameIn(Decision, denied.decision), 'DENIED');
  const reservationId = held.reservation?.id ?? '';
  const part = await agents.call(agent.commit, {
    requestId: 'hold-3',
    reservationId,
    amount: '1.5',
    final: false,
  });
  story.equal('1.5 are committed so far. Still held:', part.reservation?.heldAmount, '2.5');
  const rest = await agents.call(agent.commit, { requestId: 'hold-4', reservationId, amount: '1' });
  story.equal('1 more, and the rest returns. Available:', rest.budget?.available, '2.5');
}

/** What was acknowledged survives, what was not is repeated, nothing happens twice. */
export async function crash(
  before: Child,
  story: Story,
  restart: () => Promise<Child>,
): Promise<Child> {
  const ids = numbers(CONCURRENT * SPENDS_EACH).map((at) => `crash-${at}`);
  story.chapter(`kill -9 in the middle of ${ids.length} spends of 0.025, on the 10 of tools`);
  const acknowledged = await killedAfter(before, ids, ids.length / 4);
  story.expect(
    acknowledged.length < ids.length,
    `${acknowledged.length} had been answered when the process died.`,
  );

  const after = await restart();
  const budgets = await after.agents.call(agent.getBudget, { agentId: 'writer' });
  story.equal('It is back, and writer is where it was:', budgets.budget?.spent, '9.75');
  const answers = await Promise.all(ids.map((id) => spend(after.agents, 'tools', '0.025', id)));
  const replayed = new Set(ids.filter((_id, at) => answers[at]?.replayed === true));
  story.expect(
    acknowledged.every((id) => replayed.has(id)),
    `All ${ids.length} are sent again under their request_ids: ${replayed.size} had been carried ` +
      'out and get the answer they had, every acknowledged one among them.',
  );
  const { budget } = await after.agents.call(agent.getBudget, { agentId: 'tools' });
  story.equal(`Spent, ${ids.length} x 0.025 and not a bit more:`, budget?.spent, '8');
  const reused = await reasonOf(spend(after.agents, 'tools', '1', 'crash-0'));
  story.equal(
    'Another amount under a used request_id is refused with',
    reused,
    'REQUEST_ID_REUSED',
  );
  return after;
}

/** Spends from many sides at once and kills the process after some answers. Returns the answered. */
async function killedAfter(
  child: Child,
  ids: readonly string[],
  answers: number,
): Promise<readonly string[]> {
  const acknowledged: string[] = [];
  let killed: Promise<unknown> | undefined;
  const client = async (own: readonly string[]) => {
    for (const id of own) {
      await spend(child.agents, 'tools', '0.025', id);
      acknowledged.push(id);
      if (acknowledged.length >= answers) killed ??= child.end('SIGKILL');
    }
  };
  const clients = numbers(CONCURRENT).map((at) =>
    client(ids.slice(at * SPENDS_EACH, (at + 1) * SPENDS_EACH)),
  );
  await Promise.allSettled(clients);
  await (killed ?? child.end('SIGKILL'));
  return acknowledged;
}

function numbers(count: number): readonly number[] {
  return Array.from({ length: count }, (_, at) => at);
}

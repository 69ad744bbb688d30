/**
 * Fills a store by the ledger itself, in its own process: agents until there are so many, then spends
 * until there are so many entries; or a day of one agent with a spend in each of its minutes. What is
 * there already counts.
 */
import { parseAmount } from '../../src/domain/amount.js';
import type { Answer } from '../../src/domain/answer.js';
import type { Command } from '../../src/domain/command.js';
import type { TimeSource } from '../../src/ledger/clock.js';
import { agentId, agentsInTurn, COST, idsInOrder, INITIAL_BUDGET } from '../requests.js';
import { openSeedLedger } from './ledger.js';
import type { Ledger } from '../../src/ledger/ledger.js';

/** Commands that wait for the ledger. */
const IN_FLIGHT = 8_192;

const MINUTE_MS = 60_000;
const CALLER = { principal: 'bench', traceId: '' };
const NOTHING = { unit: '', runId: '', metadata: [], parentId: '', reason: '' } as const;
const amountOf = (text: string) => parseAmount(text) ?? 0n;
const nextId = idsInOrder();

function createAgent(number: number): Command {
  return {
    method: 'CREATE_AGENT',
    ...NOTHING,
    requestId: '',
    agentId: agentId(number),
    name: 'bench',
    poolId: 'default',
    initialBudget: amountOf(INITIAL_BUDGET),
    priority: 5,
    overdraftLimit: 0n,
    allowForce: true,
  };
}

function spend(agent: string): Command {
  return {
    method: 'SPEND',
    ...NOTHING,
    requestId: nextId(),
    agentId: agent,
    amount: amountOf(COST.amount),
    mode: 'STRICT',
    category: COST.category,
    quantities: [{ name: 'tokens', amount: amountOf(COST.quantities.tokens) }],
    dryRun: false,
  };
}

/** Executes so many commands, many at a time. */
async function execute(ledger: Ledger, count: number, next: () => Command): Promise<void> {
  let left = count;
  const one = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      mustPass(await ledger.execute(next(), CALLER));
    }
  };
  await Promise.all(Array.from({ length: Math.min(IN_FLIGHT, count) }, one));
}

function mustPass(answer: Answer): void {
  if (answer.verdict === 'APPROVED') return;
  throw new Error(`a command of the seed was not approved: ${JSON.stringify(answer.verdict)}`);
}

async function fill(dataDir: string, agents: number, entries: number): Promise<void> {
  const ledger = await openSeedLedger(dataDir);
  // Ids are made in turn: the first that is missing is as good as a count.
  let made = 0;
  for (let step = agents; step >= 1; step = Math.floor(step / 2)) {
    while (made + step <= agents && ledger.agent(agentId(made + step - 1)) !== undefined) {
      made += step;
    }
  }
  await execute(ledger, agents - made, () => createAgent(made++));
  const turn = agentsInTurn(agents);
  const missing = Math.max(0, entries - ledger.info().headSequence);
  await execute(ledger, missing, () => spend(turn()));
  await ledger.close();
}

/** The last day, minute by minute, up to the one before now. */
async function fillDay(dataDir: string, minutes: number): Promise<void> {
  let now = Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS - minutes * MINUTE_MS;
  const begin = now;
  const time: TimeSource = { wall: () => now, monotonic: () => now - begin };
  const ledger = await openSeedLedger(dataDir, time);
  mustPass(await ledger.execute(createAgent(0), CALLER));
  for (let minute = 0; minute < minutes; minute += 1) {
    mustPass(await ledger.execute(spend(agentId(0)), CALLER));
    now += MINUTE_MS;
  }
  await ledger.close();
}

const [, , kind = '', dataDir = '', ...numbers] = process.argv;
const [first = 0, second = 0] = numbers.map(Number);
if (kind === 'day') await fillDay(dataDir, first);
else await fill(dataDir, first, second);
process.send?.('done');
process.disconnect();

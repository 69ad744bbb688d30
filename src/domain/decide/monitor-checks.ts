import type { Denial } from '../answer.js';
import type { ExpressionInput } from '../expression.js';
import type { BudgetMonitor } from '../monitor.js';
import type { State } from '../state.js';
import type { Alarm } from '../violation.js';
import { formatAmount } from '../amount.js';
import { concerned } from './alarms.js';

/** What the monitors of an agent say of a request. */
export interface MonitorVerdict {
  /** By the first monitor by id that denies it. */
  readonly refused: { readonly denial: Denial; readonly alarm: Alarm } | undefined;
  /** What is to be reported when it is carried out. */
  readonly reports: readonly Alarm[];
}

const PASSED: MonitorVerdict = { refused: undefined, reports: [] };

/** Judges a request by the monitors of its agent, in id order, until one denies it. */
export function judgeMonitors(state: State, input: ExpressionInput): MonitorVerdict {
  const monitors = state.rules.monitors.ofAgent(input.agent);
  if (monitors.length === 0) return PASSED;
  const reports: Alarm[] = [];
  for (const { monitor, expression } of monitors) {
    const evaluated = expression.evaluate(input);
    if (evaluated.kind === 'VALUE' && evaluated.value) continue;
    const failure = evaluated.kind === 'FAILED' ? evaluated.message : undefined;
    const alarm = alarmOf(monitor, input, failure);
    if (monitor.action === 'REPORT') reports.push(alarm);
    else return { refused: { denial: denialOf(monitor, input, failure), alarm }, reports };
  }
  return { refused: undefined, reports };
}

function denialOf(
  monitor: BudgetMonitor,
  { amount }: ExpressionInput,
  failure: string | undefined,
): Denial {
  return {
    reason: 'MONITOR_REJECTED',
    ruleId: monitor.id,
    limit: undefined,
    counted: undefined,
    shortfall: amount,
    // What else would pass, only the expression knows.
    largestAmount: 0n,
    retryTime: undefined,
    message: sentenceOf(monitor, failure),
  };
}

function alarmOf(
  monitor: BudgetMonitor,
  input: ExpressionInput,
  failure: string | undefined,
): Alarm {
  const { agent, pool, amount, category } = input;
  return {
    rule: { kind: 'MONITOR', id: monitor.id },
    type: 'POLICY_BREACH',
    severity: monitor.severity,
    message: sentenceOf(monitor, failure),
    details: [
      ['amount', formatAmount(amount)],
      ...(category === '' ? [] : [['category', category] as const]),
      ...(failure === undefined ? [] : [['failure', failure] as const]),
      ['monitor', monitor.name],
    ],
    ...concerned(agent, pool),
  };
}

function sentenceOf({ message }: BudgetMonitor, failure: string | undefined): string {
  return failure === undefined ? message : `${message} because its expression failed - ${failure}`;
}

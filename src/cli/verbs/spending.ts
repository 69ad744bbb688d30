import {
  BudgetService,
  type ExtendReservationResponse,
  type ReserveResponse,
  type SpendResponse,
  type SpendResult,
} from '../../gen/safeguards/v1/budget_service_pb.js';
import { Decision, DenialReason } from '../../gen/safeguards/v1/decision_pb.js';
import { ErrorReason } from '../../gen/safeguards/v1/error_reason_pb.js';
import * as show from '../show.js';
import { EXIT } from '../terminal.js';
import { verb, type Verb } from '../verb.js';
import { withItems } from './complete.js';

const { method } = BudgetService;
const onAgent = { listener: 'agent' } as const;

/** What agents do with their money. */
export const SPENDING_VERBS: readonly Verb[] = [
  verb({
    ...onAgent,
    words: 'spend',
    summary: 'Spend an amount',
    method: method.spend,
    positional: ['agent_id', 'amount'],
    example: 'spend writer 2.50 --category llm/gpt --quantities tokens=1834',
    show: (response) =>
      judged(response, `Approved: ${response.grantedAmount} spent${show.entryNote(response)}. `),
    exit: judgement,
  }),
  verb({
    ...onAgent,
    words: 'batch',
    summary: 'Spend several items in one transaction, read as JSON from a file or the input',
    method: method.batchSpend,
    positional: ['[file]'],
    example: 'batch items.json --atomic',
    complete: withItems,
    show: ({ results, budgets }) => resultTable(results) + show.budgetTable(budgets),
    exit: ({ results }) => worst(results),
  }),
  verb({
    ...onAgent,
    words: 'reserve',
    summary: 'Hold an amount before a call whose cost is not known yet',
    method: method.reserve,
    positional: ['agent_id', 'amount'],
    example: 'reserve writer 10 --ttl 90s',
    show: (response) => {
      const { id = '', expireTime } = response.reservation ?? {};
      const until = `reservation ${id} until ${show.timeText(expireTime)}`;
      const held = `Approved: ${response.grantedAmount} held by ${until}`;
      return judged(response, `${held}${show.entryNote(response)}. `);
    },
    exit: judgement,
  }),
  verb({
    ...onAgent,
    words: 'commit',
    summary: 'Post the actual cost of a reservation; all that is held when no amount is given',
    method: method.commit,
    positional: ['reservation_id', '[amount]'],
    example: 'commit 0190b5c2-7f3e-7cc4-8f52-3d2f1c9a7b10 7.25 --no-final',
    show: (response) =>
      `Committed ${response.committedAmount}, ${response.overageAmount} above the hold` +
      `${response.late ? ', late' : ''}${show.entryNote(response)}. ` +
      show.budgetLine(response.budget) +
      show.warningText(response.warnings),
  }),
  verb({
    ...onAgent,
    words: 'release',
    summary: 'Give back what a reservation still holds',
    method: method.release,
    positional: ['reservation_id'],
    example: 'release 0190b5c2-7f3e-7cc4-8f52-3d2f1c9a7b10',
    show: (response) =>
      `Released ${response.releasedAmount}${show.entryNote(response)}. ` +
      show.budgetLine(response.budget),
  }),
  verb({
    ...onAgent,
    words: 'extend',
    summary: 'Keep a reservation for longer',
    method: method.extendReservation,
    positional: ['reservation_id'],
    example: 'extend 0190b5c2-7f3e-7cc4-8f52-3d2f1c9a7b10 --ttl 5m',
    show: (response) => {
      const until = show.timeText(response.reservation?.expireTime);
      return judged(response, `Extended until ${until}${show.entryNote(response)}. `);
    },
    exit: judgement,
  }),
  verb({
    ...onAgent,
    words: 'reservation get',
    summary: 'Show a reservation',
    method: method.getReservation,
    positional: ['reservation_id'],
    example: 'reservation get 0190b5c2-7f3e-7cc4-8f52-3d2f1c9a7b10',
    show: ({ reservation }) => show.reservationTable(reservation ? [reservation] : []),
  }),
  verb({
    ...onAgent,
    words: 'reservation list',
    summary: 'List reservations, oldest first',
    method: method.listReservations,
    positional: [],
    example: 'reservation list --agent writer --state open',
    show: ({ reservations }) => show.reservationTable(reservations),
  }),
];

type Judged = SpendResponse | ReserveResponse | ExtendReservationResponse;

function judged(response: Judged, approval: string): string {
  if (response.decision !== Decision.APPROVED) return show.denialText(response.denial);
  return approval + show.budgetLine(response.budget) + show.warningText(response.warnings);
}

function judgement({ decision }: Judged): number {
  return decision === Decision.APPROVED ? EXIT.done : EXIT.denied;
}

function resultTable(results: readonly SpendResult[]): string {
  const rows = results.map(({ requestId, result }) => {
    if (result.case === 'error') {
      const { reason, message } = result.value;
      return [requestId, 'ERROR', '', '', `${show.nameIn(ErrorReason, reason)}. ${message}`];
    }
    if (result.case === undefined) return [requestId, '', '', '', ''];
    const { decision, grantedAmount, available, denial, replayed } = result.value;
    const note = denial
      ? `${show.nameIn(DenialReason, denial.reason)}, at most ${denial.largestAmount}`
      : '';
    const stored = replayed ? 'answered before' : '';
    return [requestId, show.nameIn(Decision, decision), grantedAmount, available, note || stored];
  });
  return show.table(['REQUEST', 'DECISION', 'GRANTED', 'AVAILABLE', 'NOTE'], rows);
}

/** An error counts more than a denial, a denial more than nothing. */
function worst(results: readonly SpendResult[]): number {
  if (results.some(({ result }) => result.case === 'error')) return EXIT.error;
  const approved = results.every(
    ({ result }) => result.case === 'outcome' && result.value.decision === Decision.APPROVED,
  );
  return approved ? EXIT.done : EXIT.denied;
}

import type { Command, TransferParty } from '../domain/command.js';
import { requestById } from '../domain/decide/emergency-rows.js';
import type { Uid } from '../domain/model.js';
import type { State } from '../domain/state.js';

/** The commands of one method, also of those that share a shape. */
type CommandOf<Method, Each = Command> = Each extends { readonly method: infer Methods }
  ? Method extends Methods
    ? Each
    : never
  : never;

type Concern<Method> = (state: State, command: CommandOf<Method>) => readonly Uid[];

/** The agents whose money a command changes or judges, as far as it names them. */
export function agentsConcerned(state: State, command: Command): readonly Uid[] {
  // The one place where the compiler does not see that a row fits its own method.
  const concern = CONCERNS[command.method] as (state: State, command: Command) => readonly Uid[];
  return concern(state, command);
}

const nobody = (): readonly Uid[] => [];

const itsAgent = (state: State, { agentId }: { readonly agentId: string }): readonly Uid[] =>
  uidsOf(state, [agentId]);

/** The named ones; where none is, all of a pool, which is not for this table. */
const itsAgents = (state: State, command: { readonly agentIds: readonly string[] }) =>
  uidsOf(state, command.agentIds);

function ofReservation(
  state: State,
  { reservationId }: { readonly reservationId: string },
): readonly Uid[] {
  const reservation = state.reservation(reservationId);
  return reservation === undefined ? [] : [reservation.agentUid];
}

function ofEmergency(
  state: State,
  { emergencyRequestId }: { readonly emergencyRequestId: string },
): readonly Uid[] {
  // Of whom it is does not depend on the time.
  const request = requestById(state, emergencyRequestId, 0);
  return request === undefined ? [] : [request.agentUid];
}

/** Every method has a row: a new one is not forgotten. */
const CONCERNS: { readonly [Method in Command['method']]: Concern<Method> } = {
  SPEND: itsAgent,
  RESERVE: itsAgent,
  COMMIT: ofReservation,
  RELEASE: ofReservation,
  EXTEND: ofReservation,
  REQUEST_EMERGENCY: itsAgent,
  APPROVE_EMERGENCY: ofEmergency,
  REJECT_EMERGENCY: ofEmergency,
  SET_EMERGENCY_POLICY: nobody,
  REPORT_VIOLATION: itsAgent,
  RESOLVE_VIOLATION: nobody,
  ESCALATE_VIOLATION: nobody,

  CREATE_POOL: nobody,
  UPDATE_POOL: nobody,
  FUND_POOL: nobody,
  DELETE_POOL: nobody,
  FREEZE_POOL: nobody,
  UNFREEZE_POOL: nobody,
  CREATE_AGENT: itsAgent,
  UPDATE_AGENT: itsAgent,
  MOVE_AGENT: itsAgent,
  DELETE_AGENT: itsAgent,
  FREEZE_AGENT: itsAgent,
  UNFREEZE_AGENT: itsAgent,

  SET_BUDGET: itsAgent,
  ADJUST_BUDGET: itsAgent,
  TRANSFER: (state, { source, destination }) =>
    uidsOf(state, [source, destination].flatMap(agentIdOf)),
  REFUND: (state, { sequence }) => {
    const accounts = state.entry(sequence)?.accounts ?? [];
    return accounts.filter(({ kind }) => kind === 'AGENT').map(({ uid }) => uid);
  },
  RECORD_BUDGET_CHANGE: itsAgent,
  ALLOCATE_DYNAMIC: itsAgents,
  ALLOCATE_BY_PRIORITY: itsAgents,
  REBALANCE_POOL: itsAgents,
  APPLY_CONFIGURATION: (state, { agents }) =>
    uidsOf(
      state,
      agents.map(({ id }) => id),
    ),

  // Rules judge what comes after them; a review and a run by hand see to their own agents.
  CREATE_LIMIT: nobody,
  UPDATE_LIMIT: nobody,
  DELETE_LIMIT: nobody,
  CREATE_MONITOR: nobody,
  UPDATE_MONITOR: nobody,
  DELETE_MONITOR: nobody,
  CREATE_ALERT: nobody,
  UPDATE_ALERT: nobody,
  DELETE_ALERT: nobody,
  SET_SERVICE_LEVELS: nobody,
  RUN_REVIEW: nobody,
  CREATE_SCHEDULE: nobody,
  UPDATE_SCHEDULE: nobody,
  DELETE_SCHEDULE: nobody,
  RUN_SCHEDULE: nobody,
  CREATE_CHANNEL: nobody,
  UPDATE_CHANNEL: nobody,
  DELETE_CHANNEL: nobody,
  RETRY_DELIVERY: nobody,
};

function agentIdOf({ kind, id }: TransferParty): readonly string[] {
  return kind === 'AGENT' ? [id] : [];
}

function uidsOf(state: State, ids: readonly string[]): readonly Uid[] {
  return ids.flatMap((id) => state.agentById(id)?.uid ?? []);
}

import { reject } from '../../domain/answer.js';
import type { Rejection } from '../../domain/answer.js';
import type { AgentScope, Caller } from '../../ledger/api.js';
import { isId } from '../decode/text.js';
import { ERROR_DETAIL_BYTES_MAX } from '../limits.js';

/** What keeps an agent principal to its own agents. */
export interface Confined {
  /** Whether an agent is its own. */
  readonly admits: AgentScope;
  /** Tells that it asked for an agent that is not, where there is one. */
  readonly denied: (agentId: string) => void;
}

/** Who calls, as the handlers see it. */
export interface RpcCaller extends Caller {
  /** Undefined: every agent is the caller's own. */
  readonly confined?: Confined | undefined;
}

/** Refuses and tells the call for agents that are not all the caller's own; undefined: they are. */
export function refuseForeign(
  { admits, denied }: Confined,
  agentIds: readonly string[],
): Rejection | undefined {
  // What is no id is nobody's, and for the judgement of the request's shape.
  const foreign = [...new Set(agentIds)].filter((id) => isId(id) && !admits(id));
  const [first] = foreign;
  if (first === undefined) return undefined;
  denied(first);
  return notPermitted(foreign);
}

/** Why nothing is done for an agent: the one answer whether there is such an agent or not. */
function notPermitted(foreign: readonly string[]): Rejection {
  const [only = ''] = foreign;
  const message = 'The principal may not act for this agent';
  if (foreign.length === 1) return reject('NOT_PERMITTED', message, { agent_id: only });
  let bytes = 0;
  const named = foreign.filter((id) => (bytes += id.length + 1) <= ERROR_DETAIL_BYTES_MAX);
  const omitted = foreign.length - named.length;
  return reject('NOT_PERMITTED', 'The principal may not act for some of the agents', {
    agent_ids: named.join(' '),
    ...(omitted > 0 && { agent_ids_omitted: String(omitted) }),
  });
}

import type { JsonValue } from '@bufbuild/protobuf';
import { BudgetAdminService } from '../../gen/safeguards/v1/budget_admin_service_pb.js';
import { BudgetService } from '../../gen/safeguards/v1/budget_service_pb.js';
import {
  ServiceLevelSource,
  type ServiceLevel,
  type ServiceLevels,
} from '../../gen/safeguards/v1/service_level_pb.js';
import { entryNote, table, timeText } from '../show.js';
import { UsageError } from '../terminal.js';
import { verb, type Given, type Verb } from '../verb.js';

const agents = BudgetService.method;
const admin = BudgetAdminService.method;

/** What an agent may do while its budget depletes. */
export const LEVEL_VERBS: readonly Verb[] = [
  verb({
    words: 'level get',
    summary: 'Show the level of service that an agent is at',
    listener: 'agent',
    method: agents.getServiceLevel,
    positional: ['agent_id'],
    example: 'level get writer',
    show: ({ serviceLevel }) => (serviceLevel === undefined ? '' : levelText(serviceLevel)),
  }),
  verb({
    words: 'levels set',
    summary: 'Set the levels of service of an agent, of each agent of a pool or of every agent',
    listener: 'admin',
    method: admin.setServiceLevels,
    positional: ['scope', 'levels...'],
    without: ['agent_id', 'pool_id', 'every_agent'],
    example:
      'levels set pool:research full=50:high_quality,all_capabilities lean=10:small_model stop=0',
    complete: (given) => ({ ...withScope(given), levels: levelsOf(given['levels']) }),
    show: (response) => `Set${entryNote(response)}. ${levelsText(response.serviceLevels)}`,
  }),
  verb({
    words: 'levels get',
    summary: 'Show the levels of service that count for an agent, a pool or every agent',
    listener: 'admin',
    method: admin.getServiceLevels,
    positional: ['scope'],
    without: ['agent_id', 'pool_id', 'every_agent'],
    example: 'levels get agent:writer',
    complete: withScope,
    show: ({ serviceLevels }) => levelsText(serviceLevels),
  }),
];

/** Reads `agent:ID`, `pool:ID` and `every-agent`. */
function withScope({ scope, ...given }: Given): Given {
  if (scope === 'every-agent') return { ...given, every_agent: true };
  const text = typeof scope === 'string' ? scope : '';
  const [, kind, id] = /^(agent|pool):(.+)$/.exec(text) ?? [];
  if (kind === undefined || id === undefined) {
    throw new UsageError(`"${text}" names no scope. Write agent:ID, pool:ID or every-agent.`);
  }
  return { ...given, [`${kind}_id`]: id };
}

/** Reads `NAME=PERCENT:FEATURE,FEATURE` of each level; the word `none` is no level at all. */
function levelsOf(given: JsonValue | undefined): Given[] {
  const words = Array.isArray(given) ? given.map(String) : [];
  if (words.length === 1 && words[0] === 'none') return [];
  return words.map((word) => {
    const [, name, percent, features] = /^([^=]+)=([^:]+)(?::(.*))?$/.exec(word) ?? [];
    if (name === undefined || percent === undefined) {
      const example = 'full=50:high_quality,all_capabilities';
      throw new UsageError(`"${word}" is no level. Write one like ${example}, or none.`);
    }
    const list = features === undefined || features === '' ? [] : features.split(',');
    return { name, min_percent: percent, features: list };
  });
}

function levelText({ name, features, remainingPercent, nextLower }: ServiceLevel): string {
  const may = features.length === 0 ? 'nothing in particular' : features.join(', ');
  const next =
    nextLower === undefined
      ? 'It is the lowest.'
      : `Below ${nextLower.atPercent} percent it is ${nextLower.name}.`;
  return `${name}: ${remainingPercent} percent remain. Features: ${may}. ${next}\n`;
}

function levelsText(levels: ServiceLevels | undefined): string {
  if (levels === undefined) return '';
  const rows = levels.levels.map((level) => [
    level.name,
    level.minPercent,
    level.features.join(', '),
  ]);
  const set = levels.updateTime;
  const when = set === undefined ? '' : `, revision ${levels.revision} of ${timeText(set)}`;
  return `The levels ${sourceText(levels)}${when}:\n${table(['LEVEL', 'FROM %', 'FEATURES'], rows)}`;
}

function sourceText({ source, agentId, poolId }: ServiceLevels): string {
  if (source === ServiceLevelSource.AGENT) return `of agent ${agentId}`;
  if (source === ServiceLevelSource.POOL) return `of pool ${poolId}`;
  return source === ServiceLevelSource.EVERY_AGENT ? 'of every agent' : 'that are built in';
}

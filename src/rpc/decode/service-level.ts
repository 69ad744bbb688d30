import { fitsScale, parseAmount, type Amount } from '../../domain/amount.js';
import type { Rejection } from '../../domain/answer.js';
import type { LevelScopeName, SetServiceLevelsCommand } from '../../domain/command.js';
import { FEATURES_MAX, LEVELS_MAX, WHOLE, type ServiceLevel } from '../../domain/service-level.js';
import type {
  GetServiceLevelsRequest,
  ServiceLevelDefinition,
  SetServiceLevelsRequest,
} from '../../gen/safeguards/v1/service_level_pb.js';
import { formOf, judged, partOf, refuseField } from './form.js';
import type { Form } from './form.js';
import { revisionOf } from './number.js';
import { adminFields } from './pool.js';
import { LEVEL_NAME_CHARACTERS_MAX, requiredId, wordOf } from './text.js';

/** Decimals of a percentage. */
const PERCENT_SCALE = 4;

/** Reads levels of service and whom they are for. */
export function decodeSetServiceLevels(
  request: SetServiceLevelsRequest,
): SetServiceLevelsCommand | Rejection {
  const form = formOf();
  const { expectedRevision } = request;
  return judged(form, {
    method: 'SET_SERVICE_LEVELS',
    ...adminFields(form, request),
    scope: scopeOf(form, request.scope),
    levels: levelsOf(form, request.levels),
    // 0 is that of a set which is not there.
    expectedRevision: expectedRevision === 0n ? 0 : revisionOf(form, expectedRevision),
  });
}

/** Reads whose levels of service are asked for. */
export function decodeLevelScope({ scope }: GetServiceLevelsRequest): LevelScopeName | Rejection {
  const form = formOf();
  return judged(form, scopeOf(form, scope));
}

function scopeOf(
  form: Form,
  scope: SetServiceLevelsRequest['scope'] | GetServiceLevelsRequest['scope'],
): LevelScopeName {
  switch (scope.case) {
    case 'agentId':
      return { kind: 'AGENT', id: requiredId(form, 'agent_id', scope.value) };
    case 'poolId':
      return { kind: 'EACH_AGENT_OF_POOL', id: requiredId(form, 'pool_id', scope.value) };
    case 'everyAgent':
      if (!scope.value) refuseField(form, 'every_agent', 'Give true, or an agent or a pool');
      return { kind: 'EVERY_AGENT', id: '' };
    case undefined:
      refuseField(form, 'scope', 'Give an agent or a pool, or every_agent');
      return { kind: 'EVERY_AGENT', id: '' };
  }
}

/**
 * Reads the levels of a set, from the highest threshold to the lowest whatever order they came in. Also
 * those of a configuration document.
 */
export function levelsOf(
  form: Form,
  definitions: readonly Pick<ServiceLevelDefinition, 'name' | 'minPercent' | 'features'>[],
  field = 'levels',
): readonly ServiceLevel[] {
  if (definitions.length > LEVELS_MAX) {
    refuseField(form, field, `Give at most ${LEVELS_MAX} levels`);
    return [];
  }
  const names = new Set<string>();
  const thresholds = new Set<Amount>();
  const levels = definitions.map((definition, at): ServiceLevel => {
    const part = partOf(form, `${field}[${at}].`);
    const name = wordOf(part, 'name', definition.name, LEVEL_NAME_CHARACTERS_MAX);
    const minPercent = percentOf(part, 'min_percent', definition.minPercent);
    if (names.has(name)) refuseField(part, 'name', 'Use each name once');
    if (minPercent !== undefined && thresholds.has(minPercent)) {
      refuseField(part, 'min_percent', 'Give each level a threshold of its own');
    }
    names.add(name);
    if (minPercent !== undefined) thresholds.add(minPercent);
    const features = featuresOf(part, definition.features);
    return { name, minPercent: minPercent ?? 0n, features };
  });
  const whole = thresholds.size === definitions.length;
  if (whole && levels.length > 0 && !thresholds.has(0n)) {
    refuseField(form, field, 'Let the lowest level begin at 0 so that every agent is at one');
  }
  return levels.sort((a, b) => (a.minPercent > b.minPercent ? -1 : 1));
}

function featuresOf(form: Form, features: readonly string[]): readonly string[] {
  if (features.length > FEATURES_MAX) {
    refuseField(form, 'features', `Give at most ${FEATURES_MAX} features`);
    return [];
  }
  const seen = new Set<string>();
  features.forEach((feature, at) => {
    wordOf(form, `features[${at}]`, feature, LEVEL_NAME_CHARACTERS_MAX);
    if (seen.has(feature)) refuseField(form, `features[${at}]`, 'Name each feature once');
    seen.add(feature);
  });
  return features;
}

function percentOf(form: Form, field: string, text: string): Amount | undefined {
  const percent = text === '' ? 0n : parseAmount(text);
  if (percent !== undefined && percent <= WHOLE && fitsScale(percent, PERCENT_SCALE)) {
    return percent;
  }
  refuseField(form, field, 'Write a percentage from 0 to 100 with at most 4 decimals as in 12.5');
  return undefined;
}

import type { CollectionName, Collections } from '../../domain/collection.js';
import type { Table } from '../kv.js';
import type { Codec } from './codec.js';
import { scheduleCodec, scheduleMarkCodec, scheduleRunCodec } from './schedules.js';
import { serviceLevelsCodec } from './service-levels.js';
import {
  denialsCodec,
  episodeCodec,
  violationCodec,
  violationEventCodec,
  violationNumberCodec,
} from './violations.js';

/** The codec of every collection; its table has its name. */
export const CODECS: { readonly [C in CollectionName]: Codec<Collections[C]> } = {
  violations: violationCodec,
  violations_by_agent: violationNumberCodec,
  violation_events: violationEventCodec,
  episodes: episodeCodec,
  denials: denialsCodec,
  service_levels: serviceLevelsCodec,
  schedules: scheduleCodec,
  schedule_runs: scheduleRunCodec,
  schedule_marks: scheduleMarkCodec,
};

/** The names of all collections. Each is a table. */
export const COLLECTION_NAMES = Object.keys(CODECS) as readonly (CollectionName & Table)[];

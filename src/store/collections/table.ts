import type { CollectionName, Collections } from '../../domain/collection.js';
import type { Table } from '../kv.js';
import { channelCodec, endedChannelCodec } from './channels.js';
import type { Codec } from './codec.js';
import { channelCooldownCodec, cooldownLookCodec, deliveryCodec } from './deliveries.js';
import { limitCodec, limitCounterCodec, limitCountsCodec } from './limits.js';
import { monitorCodec } from './monitors.js';
import {
  emergencyGrantsCodec,
  emergencyNumberCodec,
  emergencyPolicyCodec,
  emergencyRequestCodec,
} from './emergencies.js';
import { openingCodec, retentionCodec } from './openings.js';
import { reviewOrderCodec } from './review-orders.js';
import { reviewCodec, reviewFindingsCodec } from './reviews.js';
import { requestTimeCodec } from './request-times.js';
import { alertCodec, alertStateCodec, endedAlertCodec } from './alerts.js';
import { scheduleCodec, scheduleMarkCodec, scheduleRunCodec } from './schedules.js';
import { serviceLevelsCodec } from './service-levels.js';
import { violationCountsCodec } from './violation-counts.js';
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
  limits: limitCodec,
  limit_counters: limitCounterCodec,
  limit_counts: limitCountsCodec,
  monitors: monitorCodec,
  emergency_policies: emergencyPolicyCodec,
  emergency_requests: emergencyRequestCodec,
  emergency_request_ids: emergencyNumberCodec,
  emergency_pending: emergencyNumberCodec,
  emergency_grants: emergencyGrantsCodec,
  budget_reviews: reviewCodec,
  budget_review_findings: reviewFindingsCodec,
  review_orders: reviewOrderCodec,
  violation_stats: violationCountsCodec,
  request_times: requestTimeCodec,
  alerts: alertCodec,
  alert_states: alertStateCodec,
  ended_alerts: endedAlertCodec,
  schedules: scheduleCodec,
  schedule_runs: scheduleRunCodec,
  schedule_marks: scheduleMarkCodec,
  channels: channelCodec,
  channel_cooldowns: channelCooldownCodec,
  cooldown_looks: cooldownLookCodec,
  deliveries: deliveryCodec,
  dead_letters: deliveryCodec,
  ended_channels: endedChannelCodec,
  openings: openingCodec,
  retention: retentionCodec,
};

/** The names of all collections. Each is a table. */
export const COLLECTION_NAMES = Object.keys(CODECS) as readonly (CollectionName & Table)[];

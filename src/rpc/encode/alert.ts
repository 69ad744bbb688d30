import {
  ALERT_CONDITIONS,
  type AlertThreshold,
  type BudgetAlert as AlertRow,
} from '../../domain/alert.js';
import { thresholdText } from '../../domain/alert-text.js';
import { formatAmount } from '../../domain/amount.js';
import { SEVERITIES } from '../../domain/violation.js';
import type {
  AlertThreshold as ProtoThreshold,
  BudgetAlert,
} from '../../gen/safeguards/v1/alert_pb.js';
import { timestampOf } from './time.js';

/** Prints an alert. The numbers of its condition and severities are those on disk. */
export function encodeAlert(alert: AlertRow): BudgetAlert {
  return {
    $typeName: 'safeguards.v1.BudgetAlert',
    id: alert.id,
    uid: String(alert.uid),
    subject: subjectOf(alert),
    condition: ALERT_CONDITIONS[alert.condition],
    thresholds: alert.thresholds.map((threshold) => encodeThreshold(alert, threshold)),
    rearmMargin: formatAmount(alert.rearmMargin),
    message: alert.message,
    revision: BigInt(alert.revision),
    createTime: timestampOf(alert.createTime),
    updateTime: timestampOf(alert.updateTime),
  };
}

function encodeThreshold(alert: AlertRow, threshold: AlertThreshold): ProtoThreshold {
  return {
    $typeName: 'safeguards.v1.AlertThreshold',
    value: thresholdText(alert, threshold),
    severity: SEVERITIES[threshold.severity],
  };
}

function subjectOf({ scope, subjectId: value }: AlertRow): BudgetAlert['subject'] {
  switch (scope.kind) {
    case 'AGENT':
      return { case: 'agentId', value };
    case 'POOL':
      return { case: 'poolId', value };
    case 'EACH_AGENT_OF_POOL':
      return { case: 'eachAgentOfPoolId', value };
    case 'EVERY_AGENT':
      return { case: 'everyAgent', value: true };
    case 'LIMIT':
      return { case: 'limitId', value };
  }
}

import { fromBinary } from '@bufbuild/protobuf';
import {
  ALERT_CONDITIONS,
  type AlertState,
  type BudgetAlert,
  type EndedAlert,
} from '../../domain/alert.js';
import { storedAmount } from '../../domain/amount.js';
import { SEVERITIES } from '../../domain/violation.js';
import {
  AlertStateRecordSchema,
  BudgetAlertRecordSchema,
  EndedAlertRecordSchema,
} from '../../gen/safeguards/store/v1/records_pb.js';
import { wordsOf } from '../tables.js';
import type { Codec } from './codec.js';
import { scopeOf, writeScope } from './scope.js';

const conditionOf = wordsOf(ALERT_CONDITIONS);
const severityOf = wordsOf(SEVERITIES);

/** BudgetAlertRecord. */
export const alertCodec: Codec<BudgetAlert> = {
  write: (wire, alert) => {
    wire.uint(1, alert.uid);
    wire.text(2, alert.id);
    writeScope(wire, 3, alert.scope);
    wire.text(4, alert.subjectId);
    wire.uint(5, ALERT_CONDITIONS[alert.condition]);
    for (const { value, severity, level } of alert.thresholds) {
      wire.message(6, () => {
        wire.amount(1, value);
        wire.uint(2, SEVERITIES[severity]);
        if (level !== undefined) wire.text(3, level);
      });
    }
    wire.amount(7, alert.rearmMargin);
    wire.amount(8, alert.widestMargin);
    wire.text(9, alert.message);
    wire.uint(10, alert.statesUid);
    wire.uint(11, alert.revision);
    wire.uint(12, alert.createTime);
    wire.uint(13, alert.updateTime);
  },
  read: (message) => {
    const record = fromBinary(BudgetAlertRecordSchema, message);
    return {
      uid: Number(record.uid),
      id: record.id,
      scope: scopeOf(record.scope),
      subjectId: record.subjectId,
      condition: conditionOf(record.condition),
      thresholds: record.thresholds.map(({ value, severity, level }) => ({
        value: storedAmount(value),
        severity: severityOf(severity),
        ...(level !== '' && { level }),
      })),
      rearmMargin: storedAmount(record.rearmMargin),
      widestMargin: storedAmount(record.widestMargin),
      message: record.message,
      statesUid: Number(record.statesUid),
      revision: Number(record.revision),
      createTime: Number(record.createTimeMs),
      updateTime: Number(record.updateTimeMs),
    };
  },
};

/** AlertStateRecord. */
export const alertStateCodec: Codec<AlertState> = {
  write: (wire, { fired }) => {
    for (const { value, violation, level } of fired) {
      wire.message(1, () => {
        wire.amount(1, value);
        wire.uint(2, violation);
        if (level !== undefined) wire.text(3, level);
      });
    }
  },
  read: (message) => ({
    fired: fromBinary(AlertStateRecordSchema, message).fired.map(({ value, violation, level }) => ({
      value: storedAmount(value),
      violation: Number(violation),
      ...(level !== '' && { level }),
    })),
  }),
};

/** EndedAlertRecord. */
export const endedAlertCodec: Codec<EndedAlert> = {
  write: (wire, { note }) => {
    wire.text(1, note);
  },
  read: (message) => ({ note: fromBinary(EndedAlertRecordSchema, message).note }),
};

import { fromBinary } from '@bufbuild/protobuf';
import { MONITOR_ACTIONS, type BudgetMonitor } from '../../domain/monitor.js';
import { SEVERITIES } from '../../domain/violation.js';
import { BudgetMonitorRecordSchema } from '../../gen/safeguards/store/v1/records_pb.js';
import { wordsOf } from '../tables.js';
import type { Codec } from './codec.js';
import { scopeOf, writeScope } from './scope.js';

const actionOf = wordsOf(MONITOR_ACTIONS);
const severityOf = wordsOf(SEVERITIES);

/** BudgetMonitorRecord. */
export const monitorCodec: Codec<BudgetMonitor> = {
  write: (wire, monitor) => {
    wire.uint(1, monitor.uid);
    wire.text(2, monitor.id);
    wire.text(3, monitor.name);
    writeScope(wire, 4, monitor.scope);
    wire.text(5, monitor.expression);
    wire.uint(6, MONITOR_ACTIONS[monitor.action]);
    wire.uint(7, SEVERITIES[monitor.severity]);
    wire.text(8, monitor.message);
    wire.uint(9, monitor.revision);
    wire.uint(10, monitor.createTime);
    wire.uint(11, monitor.updateTime);
  },
  read: (message) => {
    const record = fromBinary(BudgetMonitorRecordSchema, message);
    return {
      uid: Number(record.uid),
      id: record.id,
      name: record.name,
      scope: scopeOf(record.scope),
      expression: record.expression,
      action: actionOf(record.action),
      severity: severityOf(record.severity),
      message: record.message,
      revision: Number(record.revision),
      createTime: Number(record.createTimeMs),
      updateTime: Number(record.updateTimeMs),
    };
  },
};

import { toJsonString } from '@bufbuild/protobuf';
import { EntryKind } from '../../gen/safeguards/v1/entry_pb.js';
import {
  ExportLedgerResponseSchema,
  MetricsService,
} from '../../gen/safeguards/v1/metrics_service_pb.js';
import { table, timeText, nameIn } from '../show.js';
import { verb, type Verb } from '../verb.js';

const { method } = MetricsService;

/** What is read from the ledger. */
export const RECORD_VERBS: readonly Verb[] = [
  verb({
    words: 'usage',
    summary: 'Show what an agent spent, one by one or summed',
    listener: 'agent',
    method: method.getUsageHistory,
    positional: ['agent_id'],
    example: 'usage writer --granularity hour',
    show: ({ entries, buckets }) => {
      if (buckets.length === 0) {
        const rows = entries.map((entry) => [
          timeText(entry.time),
          String(entry.sequence),
          entry.amount,
          entry.category,
          entry.runId,
        ]);
        return table(['TIME', 'ENTRY', 'AMOUNT', 'CATEGORY', 'RUN'], rows);
      }
      const rows = buckets.map((bucket) => [
        timeText(bucket.startTime),
        bucket.amount,
        bucket.refundedAmount,
        String(bucket.entryCount),
        String(bucket.requestCount),
      ]);
      return table(['FROM', 'AMOUNT', 'REFUNDED', 'ENTRIES', 'REQUESTS'], rows);
    },
  }),
  verb({
    words: 'changes',
    summary: 'List what changed the balance of an agent, newest first',
    listener: 'admin',
    method: method.listBudgetChanges,
    positional: ['agent_id'],
    example: 'changes writer --kinds set-budget --kinds adjust-budget',
    show: ({ changes }) =>
      table(
        ['TIME', 'ENTRY', 'KIND', 'BEFORE', 'AFTER', 'CHANGE', 'BY', 'REASON', ''],
        changes.map((change) => [
          timeText(change.time),
          String(change.sequence),
          nameIn(EntryKind, change.kind),
          change.oldBudget,
          change.newBudget,
          change.changeAmount,
          change.principal,
          change.reason,
          change.external ? 'noted by a client' : '',
        ]),
      ),
  }),
  verb({
    words: 'export',
    summary: 'Write the ledger as JSON lines, oldest entry first',
    listener: 'admin',
    method: method.exportLedger,
    positional: [],
    example: 'export --after-sequence 1000 > ledger.jsonl',
    show: (response) => `${toJsonString(ExportLedgerResponseSchema, response)}\n`,
  }),
];

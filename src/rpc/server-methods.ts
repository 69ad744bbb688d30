import type { Instant } from '../domain/model.js';
import type { LedgerApi } from '../ledger/api.js';
import { DiskLevel } from '../gen/safeguards/v1/budget_admin_service_pb.js';
import type { BudgetAdminService } from '../gen/safeguards/v1/budget_admin_service_pb.js';
import { tellWithoutEntry } from './access/audit.js';
import { decodeBackup } from './decode/query.js';
import { durationOf, timestampOf } from './encode/time.js';
import type { Log } from './log.js';
import type { HandlersOf } from './method.js';
import { isFailure } from './status.js';

/** What GetServerInfo says beside the state of the store. */
export interface ServerFacts {
  readonly version: string;
  readonly limitsTable: Readonly<Record<string, string>>;
  readonly startTime: Instant;
}

const DISK_LEVELS = {
  OK: DiskLevel.OK,
  LOW: DiskLevel.LOW,
  FULL: DiskLevel.FULL,
} as const;

/** The operator's methods on the sidecar itself. */
export function serverMethods(ledger: LedgerApi, facts: ServerFacts, log: Log) {
  return {
    getServerInfo: () => {
      const info = ledger.info();
      return {
        $typeName: 'safeguards.v1.GetServerInfoResponse',
        version: facts.version,
        storeId: info.storeId,
        storeFormat: info.format,
        durability: 'fsync',
        limits: { ...facts.limitsTable },
        headSequence: BigInt(info.headSequence),
        headHash: info.headHash,
        time: timestampOf(info.time),
        startTime: timestampOf(facts.startTime),
        oldestSequence: BigInt(info.oldestSequence),
        diskLevel: DISK_LEVELS[info.disk.level],
        diskFreeBytes: BigInt(Math.min(info.disk.freeBytes, Number.MAX_SAFE_INTEGER)),
      };
    },

    verifyLedger: async (_request, { principal }) => {
      tellWithoutEntry(log, { method: 'VerifyLedger', principal });
      const report = await ledger.verify();
      if (isFailure(report)) return report;
      return {
        $typeName: 'safeguards.v1.VerifyLedgerResponse',
        clean: report.clean,
        entryCount: BigInt(report.entries),
        balanceCount: BigInt(report.balances),
        headSequence: BigInt(report.headSequence),
        headHash: report.headHash,
        findings: report.findings.map(({ sequence, account, message }) => ({
          $typeName: 'safeguards.v1.LedgerFinding',
          sequence: BigInt(sequence),
          account: account.toLowerCase(),
          message,
        })),
        elapsed: durationOf(report.elapsedMs),
      };
    },

    backup: async (request, { principal }) => {
      const name = decodeBackup(request);
      if (typeof name !== 'string') return name;
      tellWithoutEntry(log, { method: 'Backup', principal, name });
      const report = await ledger.backup(name);
      if (isFailure(report)) return report;
      return {
        $typeName: 'safeguards.v1.BackupResponse',
        name: report.name,
        sizeBytes: BigInt(report.sizeBytes),
        headSequence: BigInt(report.headSequence),
        headHash: report.headHash,
      };
    },
  } satisfies HandlersOf<typeof BudgetAdminService>;
}

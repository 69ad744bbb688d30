import {
  BudgetAdminService,
  ConfigurationChange_Action as Action,
  DiskLevel,
} from '../../gen/safeguards/v1/budget_admin_service_pb.js';
import { entryNote, nameIn, table, timeText } from '../show.js';
import { EXIT } from '../terminal.js';
import { verb, type Verb } from '../verb.js';
import { withDocument } from './complete.js';

const { method } = BudgetAdminService;
const onAdmin = { listener: 'admin' } as const;
/** What walks the whole store takes its time. */
const HOUR_MS = 3_600_000;
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

/** What is asked of the sidecar as a whole. */
export const SERVER_VERBS: readonly Verb[] = [
  verb({
    ...onAdmin,
    words: 'info',
    summary: 'Show the version, the store and the bounds in force',
    method: method.getServerInfo,
    positional: [],
    example: 'info --json',
    show: (info) =>
      table(
        ['NAME', 'VALUE'],
        [
          ['version', info.version],
          ['store', `${info.storeId}, format ${info.storeFormat}`],
          ['durability', info.durability],
          ['disk', `${nameIn(DiskLevel, info.diskLevel)}, ${info.diskFreeBytes} bytes free`],
          ['oldest entry', String(info.oldestSequence)],
          ['head', `${info.headSequence} ${hex(info.headHash)}`],
          ['time', timeText(info.time)],
          ['serving since', timeText(info.startTime)],
          ...Object.entries(info.limits).sort(([a], [b]) => (a < b ? -1 : 1)),
        ],
      ),
  }),
  verb({
    ...onAdmin,
    words: 'verify-ledger',
    summary: 'Recompute every balance while the sidecar serves; exits with 1 when one differs',
    method: method.verifyLedger,
    timeoutMs: HOUR_MS,
    positional: [],
    example: 'verify-ledger',
    show: (report) => {
      const { entryCount, balanceCount, headSequence, headHash } = report;
      const verdict = report.clean ? 'Clean' : 'NOT CLEAN';
      const findings = report.findings.map(
        ({ sequence, account, message }) => `  entry ${sequence} ${account} ${message}\n`,
      );
      return (
        `${verdict}: ${entryCount} entries, ${balanceCount} balances, ` +
        `head ${headSequence} ${hex(headHash)}.\n${findings.join('')}`
      );
    },
    exit: ({ clean }) => (clean ? EXIT.done : EXIT.error),
  }),
  verb({
    ...onAdmin,
    words: 'backup',
    summary: 'Copy the store into a folder below backup_dir, and verify the copy',
    method: method.backup,
    timeoutMs: HOUR_MS,
    positional: ['[name]'],
    example: 'backup before-upgrade',
    show: ({ name, sizeBytes, headSequence }) =>
      `Backed up as ${name}: ${sizeBytes} bytes, up to entry ${headSequence}.\n`,
  }),
  verb({
    ...onAdmin,
    words: 'apply',
    summary: 'Bring pools, agents and rules to the state of a YAML or JSON document',
    method: method.applyConfiguration,
    positional: [],
    extra: { '-f, --file <file>': 'the document; - is the input' },
    without: ['document'],
    example: 'apply -f budgets.yaml --dry-run',
    complete: withDocument,
    show: (response) => {
      const rows = response.changes.map(({ action, objectKind, objectId, fields }) => [
        nameIn(Action, action),
        objectKind,
        objectId,
        fields.join(', '),
      ]);
      return `${response.changes.length} change(s)${entryNote(response)}.\n${
        rows.length === 0 ? '' : table(['ACTION', 'KIND', 'ID', 'FIELDS'], rows)
      }`;
    },
  }),
];

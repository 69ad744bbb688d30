import type { DescField, DescMessage, JsonValue } from '@bufbuild/protobuf';
import { BudgetAdminService } from '../../gen/safeguards/v1/budget_admin_service_pb.js';
import {
  AllocateDynamicActionSchema,
  FundPoolActionSchema,
  RebalancePoolActionSchema,
  RunOutcome,
  SetBudgetActionSchema,
} from '../../gen/safeguards/v1/schedule_pb.js';
import { entryNote } from '../show.js';
import { nextLine, runText, runsTable, scheduleText, schedulesTable } from '../show-schedule.js';
import { EXIT, UsageError } from '../terminal.js';
import { type Given, type Verb, verb } from '../verb.js';

const { method } = BudgetAdminService;
const onAdmin = { listener: 'admin' } as const;

/** The actions by the options that choose them, and the fields that each takes beside its subject. */
const ACTIONS: Readonly<Record<string, DescMessage>> = {
  set_budget: SetBudgetActionSchema,
  fund_pool: FundPoolActionSchema,
  rebalance_pool: RebalancePoolActionSchema,
  allocate_dynamic: AllocateDynamicActionSchema,
};

/** Fields that the option of the action holds. */
const SUBJECTS = ['agent_id', 'each_agent_of_pool_id', 'pool_id'];

const ACTION_OPTIONS = {
  choices: {
    '--set-budget <who>': 'set what remains of agent:ID, or of each agent of pool:ID, to --amount',
    '--fund-pool <pool>': 'add --delta to the money of a pool',
    '--rebalance-pool <pool>': 'divide the money of a pool by priority and usage',
    '--allocate-dynamic <pool>': 'give each agent of a pool a budget by its own usage',
    '--review-budgets': 'review all budgets',
  },
  inner: [
    ...new Map(
      Object.values(ACTIONS)
        .flatMap(fieldsBeside)
        .map((field) => [field.name, field] as const),
    ).values(),
  ],
} as const;

/** What the sidecar does again and again. */
export const SCHEDULE_VERBS: readonly Verb[] = [
  verb({
    ...onAdmin,
    ...ACTION_OPTIONS,
    words: 'schedule create',
    summary: 'Set a budget, fund, rebalance or review again and again',
    method: method.createSchedule,
    positional: ['[schedule_id]'],
    example:
      'schedule create monthly --cron "0 0 1 * *" --set-budget pool:research --amount 100 ' +
      '--reset-baseline',
    complete: withAction,
    show: (response) =>
      `Created schedule ${response.schedule?.id ?? ''}${entryNote(response)}. ` +
      nextLine(response.schedule),
  }),
  verb({
    ...onAdmin,
    words: 'schedule get',
    summary: 'Show a schedule and its last runs',
    method: method.getSchedule,
    positional: ['schedule_id'],
    example: 'schedule get monthly',
    show: ({ schedule, recentRuns }) =>
      `${scheduleText(schedule)}${recentRuns.length === 0 ? '' : `\n${runsTable(recentRuns)}`}`,
  }),
  verb({
    ...onAdmin,
    words: 'schedule list',
    summary: 'List schedules by id',
    method: method.listSchedules,
    positional: [],
    example: 'schedule list --all',
    show: ({ schedules }) => schedulesTable(schedules),
  }),
  verb({
    ...onAdmin,
    ...ACTION_OPTIONS,
    words: 'schedule update',
    summary: 'Change a schedule, or pause it with --no-enabled',
    method: method.updateSchedule,
    positional: ['schedule_id'],
    update: {
      field: 'schedule',
      names: ['name', 'cron', 'time_zone', 'interval', 'catch_up', 'enabled', 'run_reason'],
    },
    example: 'schedule update monthly --cron "0 6 1 * *" --time-zone Europe/Berlin',
    complete: updatedSchedule,
    show: (response) => `Updated${entryNote(response)}. ${nextLine(response.schedule)}`,
  }),
  verb({
    ...onAdmin,
    words: 'schedule delete',
    summary: 'Take a schedule away, with its runs',
    method: method.deleteSchedule,
    positional: ['schedule_id'],
    example: 'schedule delete monthly',
    show: (response) => `Deleted${entryNote(response)}.\n`,
  }),
  verb({
    ...onAdmin,
    words: 'schedule run',
    summary: 'Run a schedule now; when it is due next stays',
    method: method.runSchedule,
    positional: ['schedule_id'],
    example: 'schedule run monthly --reason "new quarter"',
    show: ({ run }) => (run === undefined ? 'Its run is not kept any more.\n' : runText(run)),
    exit: ({ run }) => (run?.outcome === RunOutcome.FAILED ? EXIT.denied : EXIT.done),
  }),
  verb({
    ...onAdmin,
    words: 'schedule runs',
    summary: 'List the runs of a schedule, newest first',
    method: method.listScheduleRuns,
    positional: ['schedule_id'],
    example: 'schedule runs monthly --all',
    show: ({ runs }) => runsTable(runs),
  }),
];

function fieldsBeside(action: DescMessage): readonly DescField[] {
  return action.fields.filter(({ name }) => !SUBJECTS.includes(name));
}

/** Puts the options of an action into the message of the one that was chosen. */
function withAction(given: Given): Given {
  const { rest, action } = split(given);
  return action === undefined ? rest : { ...rest, [action.field]: action.value };
}

function updatedSchedule({ schedule_id: id, ...given }: Given): Given {
  const { rest, action } = split(given);
  const outside = ['request_id', 'expected_revision', 'reason'];
  const values = Object.entries(rest).filter(([name]) => !outside.includes(name));
  if (action !== undefined) values.push([action.field, action.value]);
  if (values.length === 0) throw new UsageError('Nothing to update: give an option to change.');
  return {
    ...Object.fromEntries(Object.entries(rest).filter(([name]) => outside.includes(name))),
    schedule: { id: id ?? '', ...Object.fromEntries(values) },
    // In JSON a field mask is one text with the names in camel case.
    update_mask: values.map(([name]) => camel(name)).join(','),
  };
}

interface Split {
  readonly rest: Given;
  readonly action: { readonly field: string; readonly value: Given } | undefined;
}

function split(given: Given): Split {
  const fields = [...Object.keys(ACTIONS), 'review_budgets'];
  const chosen = fields.filter((field) => given[field] !== undefined);
  const [field, another] = chosen;
  if (another !== undefined) {
    throw new UsageError(
      `Choose one of ${chosen.map(flagOf).join(' and ')}: a schedule does one thing.`,
    );
  }
  const taken = field === undefined ? [] : fieldsBeside(ACTIONS[field] ?? NO_FIELDS).map(nameOf);
  const all = ACTION_OPTIONS.inner.map(nameOf);
  const stray = all.find((name) => given[name] !== undefined && !taken.includes(name));
  if (stray !== undefined) {
    throw new UsageError(
      field === undefined
        ? `${flagOf(stray)} needs its action, such as --set-budget.`
        : `${flagOf(stray)} is not for ${flagOf(field)}.`,
    );
  }
  const rest = entriesWhere(given, (name) => name !== field && !all.includes(name));
  if (field === undefined) return { rest, action: undefined };
  const own = entriesWhere(given, (name) => taken.includes(name));
  return { rest, action: { field, value: { ...subjectOf(field, given[field]), ...own } } };
}

const NO_FIELDS = { fields: [] as readonly DescField[] } as DescMessage;

function subjectOf(field: string, given: JsonValue | undefined): Given {
  if (field === 'review_budgets') return {};
  const text = typeof given === 'string' ? given : '';
  if (field !== 'set_budget') return { pool_id: text };
  const [, kind, id] = /^(agent|pool):(.+)$/.exec(text) ?? [];
  if (kind === undefined || id === undefined) {
    throw new UsageError(`"${text}" names nobody. Write agent:ID or pool:ID.`);
  }
  return kind === 'agent' ? { agent_id: id } : { each_agent_of_pool_id: id };
}

function entriesWhere(given: Given, keep: (name: string) => boolean): Given {
  return Object.fromEntries(Object.entries(given).filter(([name]) => keep(name)));
}

function nameOf({ name }: DescField): string {
  return name;
}

function flagOf(name: string): string {
  return `--${name.replaceAll('_', '-')}`;
}

function camel(name: string): string {
  return name.replace(/_(.)/g, (_match, letter: string) => letter.toUpperCase());
}

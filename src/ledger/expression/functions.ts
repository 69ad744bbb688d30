import { parseSignedAmount } from '../../domain/amount.js';
import { durationOf, timestampOf } from './moments.js';
import { Failure, Refusal } from './syntax.js';
import { constantTerm, elementOf, type Term, type Type, type ValueOf } from './term.js';
import { utcClock, ZONES_MAX, type Clock, type Clocks } from './zoned.js';

/** A call that was written, its arguments checked. */
export interface Call {
  readonly name: string;
  /** The receiver of a method; undefined for a function. */
  readonly of?: Term;
  readonly args: readonly Term[];
  /** Where the name stands, and where the call begins: UTF-16 offsets. */
  readonly at: number;
  readonly start: number;
  readonly clocks: Clocks;
}

/** What `contains` may look for, in UTF-16 units: its cost is this times the length of the text. */
const SOUGHT_MAX = 256;

/** Names that CEL has and monitors do not, and why. */
const WITHHELD: ReadonlyMap<string, string> = new Map([
  ...['all', 'exists', 'exists_one', 'map', 'filter'].map(
    (name) => [name, 'There are no loops, so that the cost is bounded'] as const,
  ),
  ['matches', 'The cost of a pattern is not bounded. Use startsWith, endsWith or contains'],
  ['double', 'There are no doubles. An amount is written decimal("0.1")'],
  ['bind', 'Write the value where it is used'],
  ['dyn', 'Every value has a type'],
]);

type Build = (call: Call) => Term;

const functions: ReadonlyMap<string, Build> = new Map<string, Build>([
  ['decimal', decimalTerm],
  ['timestamp', (call) => momentTerm(call, 'timestamp', timestampOf)],
  ['duration', (call) => momentTerm(call, 'duration', durationOf)],
  ['size', (call) => sizeTerm(call, operand(call, 0))],
]);

const ofString: ReadonlyMap<string, Build> = new Map<string, Build>([
  ['startsWith', (call) => textTerm(call, (text, part) => text.startsWith(part))],
  ['endsWith', (call) => textTerm(call, (text, part) => text.endsWith(part))],
  ['contains', (call) => textTerm(call, contains)],
]);

const ofTimestamp: ReadonlyMap<string, Build> = new Map<string, Build>([
  ['getFullYear', clockTerm((shown) => shown.getUTCFullYear())],
  ['getMonth', clockTerm((shown) => shown.getUTCMonth())],
  ['getDate', clockTerm((shown) => shown.getUTCDate())],
  ['getDayOfMonth', clockTerm((shown) => shown.getUTCDate() - 1)],
  ['getDayOfWeek', clockTerm((shown) => shown.getUTCDay())],
  ['getDayOfYear', clockTerm(dayOfYear)],
  ['getHours', clockTerm((shown) => shown.getUTCHours())],
  ['getMinutes', clockTerm((shown) => shown.getUTCMinutes())],
  ['getSeconds', clockTerm((shown) => shown.getUTCSeconds())],
  ['getMilliseconds', clockTerm((shown) => shown.getUTCMilliseconds())],
]);

/** The term of a function's call. Refuses unknown names and wrong arguments. */
export function functionTerm(call: Call): Term {
  const build = functions.get(call.name);
  if (build !== undefined) return build(call);
  throw new Refusal(`There is no function ${call.name}`, call.at);
}

/** The term of a method's call. Refuses unknown names and wrong arguments. */
export function methodTerm(call: Call, of: Term): Term {
  if (call.name === 'size' && sized(of.type)) {
    count(call, 0, 0);
    return sizeTerm(call, of);
  }
  const methods =
    of.type === 'string' ? ofString : of.type === 'timestamp' ? ofTimestamp : undefined;
  const build = methods?.get(call.name);
  if (build !== undefined) return build({ ...call, of });
  throw new Refusal(`${of.type} has no method ${call.name}`, call.at);
}

/** Refuses a name that is CEL's and not a monitor's, before its arguments are looked at. */
export function refuseWithheld({ name, at }: Pick<Call, 'name' | 'at'>): void {
  const why = WITHHELD.get(name);
  if (why !== undefined) throw new Refusal(`${name} is not for monitors. ${why}`, at);
}

function count(call: Call, least: number, most: number): void {
  const { length } = call.args;
  if (length >= least && length <= most) return;
  const want = least === most ? `${most}` : `${least} to ${most}`;
  throw new Refusal(`${call.name} takes ${want} argument${most === 1 ? '' : 's'}`, call.at);
}

function operand(call: Call, index: number): Term {
  count(call, 1, 1);
  const arg = call.args[index];
  if (arg === undefined) throw new Refusal(`${call.name} lacks an argument`, call.at);
  return arg;
}

function stringOperand(call: Call): Term {
  const arg = operand(call, 0);
  if (arg.type === 'string') return arg;
  throw new Refusal(`${call.name} takes a string, not ${arg.type}`, arg.start);
}

function decimalTerm(call: Call): Term {
  const text = stringOperand(call);
  if (text.constant !== undefined) {
    const amount = parseSignedAmount(text.constant as string);
    if (amount !== undefined) return constantTerm('Amount', amount, call.start);
    throw new Refusal(
      'This is not an amount: at most 18 digits, a point and at most 12 decimals, as in "0.1"',
      text.start,
    );
  }
  return {
    type: 'Amount',
    run: (input) => {
      const amount = parseSignedAmount(text.run(input) as string);
      if (amount !== undefined) return amount;
      throw new Failure('decimal was given a text that is not an amount', call.at);
    },
    start: call.start,
  };
}

function momentTerm(
  call: Call,
  type: 'timestamp' | 'duration',
  read: (text: string) => number | string,
): Term {
  const text = stringOperand(call);
  if (text.constant === undefined) {
    throw new Refusal(`${call.name} takes a string that is written here`, text.start);
  }
  const moment = read(text.constant as string);
  if (typeof moment === 'number') return constantTerm(type, moment, call.start);
  throw new Refusal(moment, text.start);
}

function sized(type: Type): boolean {
  return type === 'string' || type.startsWith('map<') || elementOf(type) !== undefined;
}

function sizeTerm(call: Call, of: Term): Term {
  if (!sized(of.type)) {
    throw new Refusal(`size takes a string, a list or a map, not ${of.type}`, of.start);
  }
  const { run } = of;
  const { start } = call;
  if (of.type !== 'string') {
    const length = (value: unknown) => BigInt((value as readonly unknown[]).length);
    return { type: 'int', run: (input) => length(run(input)), start };
  }
  return { type: 'int', run: (input) => codePoints(run(input) as string), start };
}

function codePoints(text: string): bigint {
  let points = 0;
  for (const _ of text) points += 1;
  return BigInt(points);
}

function textTerm(call: Call, judge: (text: string, part: string, at: number) => boolean): Term {
  const part = stringOperand(call);
  const { of, at, start } = call;
  if (of === undefined) throw new Refusal(`${call.name} is a method`, at);
  if (
    call.name === 'contains' &&
    ((part.constant as string | undefined)?.length ?? 0) > SOUGHT_MAX
  ) {
    throw new Refusal(`contains looks for at most ${SOUGHT_MAX} characters`, part.start);
  }
  const run: Term['run'] = (input) => judge(of.run(input) as string, part.run(input) as string, at);
  return { type: 'bool', run, start };
}

function contains(text: string, part: string, at: number): boolean {
  if (part.length <= SOUGHT_MAX) return text.includes(part);
  throw new Failure(`contains was to look for more than ${SOUGHT_MAX} characters`, at);
}

function clockTerm(read: (shown: Date) => number): Build {
  return (call) => {
    count(call, 0, 1);
    const { of, at, start } = call;
    if (of === undefined) throw new Refusal(`${call.name} is a method`, at);
    const clock = clockOf(call);
    const instant = of.run as (input: never) => ValueOf['timestamp'];
    return { type: 'int', run: (input) => BigInt(read(clock(instant(input as never)))), start };
  };
}

function clockOf(call: Call): Clock {
  const [zone] = call.args;
  if (zone === undefined) return utcClock;
  if (zone.type !== 'string' || zone.constant === undefined) {
    throw new Refusal(`${call.name} takes a zone that is written here`, zone.start);
  }
  const clock = call.clocks(zone.constant as string);
  if (typeof clock === 'function') return clock;
  throw new Refusal(
    clock === 'TOO_MANY'
      ? `An expression names at most ${ZONES_MAX} zones`
      : 'There is no such zone. Zones are named as in "Europe/Vienna"',
    zone.start,
  );
}

function dayOfYear(shown: Date): number {
  const midnight = new Date(shown).setUTCHours(0, 0, 0, 0);
  return Math.round((midnight - Date.UTC(shown.getUTCFullYear(), 0, 1)) / 86_400_000);
}

/** One field of a cron text. */
interface CronField {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  /** Names that stand for `min`, `min + 1` and so on. */
  readonly words: readonly string[];
  readonly example: string;
}

const MONTHS = 'JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC'.split(' ');
const DAYS = 'SUN MON TUE WED THU FRI SAT'.split(' ');

const FIELDS: readonly CronField[] = [
  { name: 'minute', min: 0, max: 59, words: [], example: '0 or */15' },
  { name: 'hour', min: 0, max: 23, words: [], example: '0 or 9-17' },
  { name: 'day of month', min: 1, max: 31, words: [], example: '1 or L for the last' },
  { name: 'month', min: 1, max: 12, words: MONTHS, example: '1 or JAN' },
  { name: 'day of week', min: 0, max: 7, words: DAYS, example: '1-5 or MON' },
];

/** A text is short: a list of every minute has 169 characters. */
const CHARACTERS_MAX = 256;

/**
 * Judges a cron text: minute, hour, day of month, month, day of week, separated by single spaces. Each is
 * `*`, a number, a range `a-b`, either of the last two by steps as in `*`/5 or 9-17/2, or a list of those;
 * months and days also by their English names, Sunday as 0 or 7, the last day of a month as `L`. When
 * both days are given, either counts. Seconds, years and words such as @daily are refused: five fields
 * say the same, and say it to everyone. Returns what is wrong and what to write; undefined: nothing.
 */
export function cronMistake(text: string): string | undefined {
  if (text === '') return 'Give a cron text such as 0 0 1 * *';
  if (text.length > CHARACTERS_MAX) return `Use at most ${CHARACTERS_MAX} characters`;
  if (text.startsWith('@')) return 'Write five fields, such as 0 0 * * * for every day';
  const parts = text.split(' ');
  if (parts.length !== FIELDS.length) {
    return (
      'Give five fields with single spaces between them: minute hour day-of-month month day-of-week. ' +
      'There are no seconds and no years'
    );
  }
  for (const [at, field] of FIELDS.entries()) {
    const wrong = (parts[at] ?? '').split(',').find((item) => !isItem(item, field));
    if (wrong !== undefined) {
      const { name, min, max, example } = field;
      const shown = wrong === '' ? 'an empty item' : `"${wrong}"`;
      return `${shown} is no ${name}: give ${min} to ${max}, such as ${example}`;
    }
  }
  return undefined;
}

/** The spelling of a cron text that is kept: names in capitals. */
export function canonicalCron(text: string): string {
  return text.toUpperCase();
}

function isItem(item: string, field: CronField): boolean {
  const [range = '', step, ...more] = item.split('/');
  if (more.length > 0 || (step !== undefined && !isStep(step, field))) return false;
  if (range === '*') return true;
  if (range.toUpperCase() === 'L') return field.name === 'day of month' && step === undefined;
  const [from = '', to, ...rest] = range.split('-');
  const first = valueOf(from, field);
  if (first === undefined || rest.length > 0) return false;
  if (to === undefined) return step === undefined;
  const last = valueOf(to, field);
  return last !== undefined && first <= last;
}

function isStep(step: string, { min, max }: CronField): boolean {
  return /^\d{1,2}$/.test(step) && Number(step) >= 1 && Number(step) <= max - min;
}

function valueOf(text: string, { min, max, words }: CronField): number | undefined {
  const word = words.indexOf(text.toUpperCase());
  if (word >= 0) return min + word;
  if (!/^\d{1,2}$/.test(text)) return undefined;
  const value = Number(text);
  return value >= min && value <= max ? value : undefined;
}

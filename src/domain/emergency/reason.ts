/**
 * Whether a reason says that something is critical. Guide: handle_emergency_allocation, which takes any
 * text with "critical" in it, "non-critical" too. Here it must be said as a word, and not be denied.
 *
 * The grammar, in full (docs/emergencies.md has it with examples):
 *
 * 1. Only the word `critical` counts, in any case and width: not `critically`, not `uncritical`.
 * 2. Dashes and underscores join words: what is before decides. `mission-critical` counts,
 *    `non-critical` does not, nor does what ends in `-ish`, `-free` or `-less`.
 * 3. A negation among the five words before, in the same clause, takes it back: `not a critical issue`.
 *    A clause ends at punctuation, brackets, a spaced dash, and words such as `but` and `because`.
 * 4. So does a bare `no` or `false` behind it: `critical: no`, but not `critical: no response`.
 * 5. One `critical` that counts is enough: `was not critical, now critical`.
 *
 * In doubt it does not count: `cannot reach the critical node` is denied, `critical: cannot reach the
 * node` is not. Takes time in proportion to the length.
 */
export function saysCritical(reason: string): boolean {
  const words = wordsOf(reason);
  return words.some((word, at) => word.text === 'critical' && counts(words, at));
}

/** A word in lower case, and what stands between it and the word before. */
interface Word {
  readonly text: string;
  readonly gap: string;
}

const WORD = /[\p{L}\p{N}]+(?:'[\p{L}\p{N}]+)*/gu;

/** Words that are put in front with a dash and say that it is not, or not wholly, so. */
const PREFIXES = wordSet(
  'non not no un sub semi quasi pseudo anti de pre post low lower less never near nearly',
);

/** Words that are put behind with a dash and say so. */
const SUFFIXES = wordSet('ish free less');

const NEGATIONS = wordSet(
  `not no non never neither nor none nothing nobody nowhere without cannot hardly barely scarcely rarely
  seldom less least un isnt arent wasnt werent dont doesnt didnt wont wouldnt cant couldnt shouldnt
  aint hasnt havent hadnt mustnt neednt`,
);

/** Behind a negation they take it back: "not only critical", "no doubt critical". */
const AFFIRMING = wordSet('only just merely simply doubt question');

/** Words that begin another clause: "not urgent but critical". */
const CONJUNCTIONS = wordSet('but because although though however whereas therefore hence since');

/** Behind "and" they begin another clause: "it does not answer and this is critical". */
const SUBJECTS = wordSet('it this that we i they');

/** A bare answer to "critical?". */
const NOES = wordSet('no not false none never nope n 0');

/** Words looked at before `critical`. */
const REACH = 5;

/** Ends a clause even next to the word. */
const HARD_BREAK = /[.,;:!?…。、，：；！？=<>|/\\\n\r\u2028\u2029]/u;

/** Ends a clause too, but not between a negation and the very next word: `not (critical)`. */
const SOFT_BREAK = /[()[\]{}—―]|--|\s\p{Pd}\s/u;

/** A dash or underscore without spaces. */
const JOINED = /^[\p{Pd}_\u2212]+$/u;

/** A programmer's "not" right before the word. */
const MARKED_NOT = /(?:!|!==?\s*|[≠¬]\s*)["'(]*$/u;

function counts(words: readonly Word[], at: number): boolean {
  const gap = words[at]?.gap ?? '';
  if (MARKED_NOT.test(gap)) return false;
  const before = words[at - 1];
  if (before !== undefined && JOINED.test(gap) && PREFIXES.has(before.text)) return false;
  return !deniedBefore(words, at) && !deniedBehind(words, at);
}

function deniedBefore(words: readonly Word[], at: number): boolean {
  for (let back = at - 1; back >= Math.max(0, at - REACH); back -= 1) {
    const { text } = words[back] ?? { text: '' };
    const next = words[back + 1];
    const gap = next?.gap ?? '';
    if (HARD_BREAK.test(gap)) return false;
    if (back < at - 1 && SOFT_BREAK.test(gap)) return false;
    if (isNegation(words, back) && !(back < at - 1 && AFFIRMING.has(next?.text ?? ''))) {
      return !isQuestionless(words, back, at);
    }
    if (SOFT_BREAK.test(gap)) return false;
    // "Anything but critical" is not critical at all.
    if (text === 'but' && words[back - 1]?.text === 'anything') return true;
    if (CONJUNCTIONS.has(text)) return false;
    if (text === 'and' && SUBJECTS.has(next?.text ?? '')) return false;
  }
  return false;
}

/** "Without a doubt critical", "without any question critical". */
function isQuestionless(words: readonly Word[], negation: number, at: number): boolean {
  const between = words.slice(negation + 1, at).map((word) => word.text);
  return between.length <= 2 && /^(?:an? |any )?(?:doubt|question)$/.test(between.join(' '));
}

function deniedBehind(words: readonly Word[], at: number): boolean {
  const next = words[at + 1];
  if (next === undefined) return false;
  if (JOINED.test(next.gap) && SUFFIXES.has(next.text)) return true;
  const after = words[at + 2];
  if (next.text === 'or' && after?.text === 'not') return true;
  if (!NOES.has(next.text)) return false;
  return after === undefined || HARD_BREAK.test(after.gap);
}

function isNegation(words: readonly Word[], at: number): boolean {
  const text = words[at]?.text ?? '';
  if (text === 'far') return words[at + 1]?.text === 'from';
  if (text === 'least') return words[at - 1]?.text !== 'at';
  return NEGATIONS.has(text) || text.endsWith("n't");
}

/**
 * The words of a text, lower case. Compatibility forms become the plain ones (full-width letters),
 * marks above letters are dropped, and so is what nobody sees: soft hyphens and zero-width characters.
 */
function wordsOf(text: string): readonly Word[] {
  const plain = text
    .replace(/[\u2018\u2019\u201b\u02bc\u2032\u0060\u00b4\uff07]/gu, "'")
    .normalize('NFKD')
    .replace(/[\p{M}\p{Default_Ignorable_Code_Point}]/gu, '')
    .toLowerCase();
  const words: Word[] = [];
  let end = 0;
  for (const match of plain.matchAll(WORD)) {
    words.push({ text: match[0], gap: plain.slice(end, match.index) });
    end = match.index + match[0].length;
  }
  return words;
}

function wordSet(words: string): ReadonlySet<string> {
  return new Set(words.split(/\s+/));
}

/** What a person would take for a cry of "critical", and what not. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { saysCritical } from '../../src/domain/emergency/reason.js';
import { runs } from '../support/seed.js';

const COUNTS = [
  'critical',
  'CRITICAL outage',
  'Critical!',
  'this is critical',
  'critical: db down',
  'critical:db down',
  'severity=critical',
  'P0/critical',
  '(critical)',
  '"critical"',
  "'critical'",
  '**critical**',
  '[CRITICAL] queue is full',
  'mission-critical',
  'business-critical job',
  'safety‑critical',
  'is_critical',
  'critical_failure',
  'ｃｒｉｔｉｃａｌ outage',
  'CRİTİCAL',
  'crit\u00adical',
  'cri\u200btical',
  'critical: no response',
  'critical: not responding',
  'critical. No time left',
  'No time: critical outage',
  'not routine, critical',
  'not routine - critical',
  'not routine—critical outage',
  'not routine (critical)',
  'No, critical!',
  'it does not answer and this is critical',
  'not urgent but critical',
  'cannot wait because critical data is lost',
  'not only critical but fatal',
  'not just critical',
  'no doubt critical',
  'without a doubt critical',
  'no question critical',
  'nothing but critical',
  'was not critical, now critical',
  'non-critical at first; critical since noon',
  'not one of the twelve usual things and so critical',
  'at least critical',
  'so far critical nodes survive',
  'line one is not\ncritical',
];

const DOES_NOT = [
  '',
  'routine',
  'x',
  'this is non-critical',
  'non critical',
  'noncritical',
  'NON-CRITICAL',
  'NON_CRITICAL',
  'non‑critical',
  'non–critical',
  'non—critical',
  'non\u00adcritical',
  'non\u200bcritical',
  'not critical',
  'not-critical',
  'not_critical',
  'not "critical"',
  'not (critical)',
  'not a critical issue',
  'not really all that critical',
  'not yet critical',
  'not so critical',
  'isn’t critical',
  "isn't critical",
  'isn`t critical',
  'isnt critical',
  "ISN'T CRITICAL",
  "aren't really critical",
  "I don't think this is critical",
  'I do not think it is critical',
  'never critical',
  'no critical errors',
  'no longer critical',
  'neither urgent nor critical',
  'without critical impact',
  'hardly critical',
  'less critical',
  'least critical',
  'far from critical',
  'anything but critical',
  'nowhere near critical',
  'uncritical',
  'un-critical',
  'subcritical',
  'sub-critical',
  'semi-critical',
  'critically low',
  'criticality none',
  'hypercritical',
  'critical-ish',
  'critical or not',
  'critical: no',
  'critical: no, only routine',
  'critical=false',
  'critical? No.',
  'critical, not!',
  '!critical',
  'severity != critical',
  'severity!=critical',
  'cannot reach the critical node',
  'not urgent and critical',
  'critiсal',
];

describe('a reason', () => {
  test.each(COUNTS)('%j says that it is critical', (reason) => {
    expect(saysCritical(reason)).toBe(true);
  });

  test.each(DOES_NOT)('%j does not', (reason) => {
    expect(saysCritical(reason)).toBe(false);
  });

  test('is judged the same in any case and with marks that nobody sees', () => {
    const one = fc.constantFrom(...COUNTS, ...DOES_NOT);
    fc.assert(
      fc.property(one, fc.nat(), (reason, seed) => {
        const shouted = Array.from(reason).map((letter, at) =>
          (seed >> (at % 31)) & 1 ? letter.toUpperCase() : letter,
        );
        expect(saysCritical(shouted.join('\u200c'))).toBe(saysCritical(reason));
      }),
      runs('cases of reasons', 200),
    );
  });

  test('without the word never counts, whatever else it says', () => {
    const any = fc.string({ unit: 'grapheme', maxLength: 200 });
    fc.assert(
      fc.property(any, (text) => {
        fc.pre(!/critical/i.test(text.normalize('NFKD')));
        expect(saysCritical(text)).toBe(false);
      }),
      runs('texts without the word', 300),
    );
  });

  test('of 512 characters is judged at once, however it is made', () => {
    for (const unit of ['not ', 'critical ', '-', 'a-', "n't ", '!', 'not critical-']) {
      const before = performance.now();
      saysCritical(unit.repeat(512 / unit.length));
      expect(performance.now() - before).toBeLessThan(100);
    }
  });
});

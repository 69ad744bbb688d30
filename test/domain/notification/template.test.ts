import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FIELDS } from '../../../src/domain/notification/fields.js';
import { jsonProblem } from '../../../src/domain/notification/json-syntax.js';
import {
  SEVERITIES,
  type Notification,
  type Severity,
} from '../../../src/domain/notification/notification.js';
import { PRESETS, templateOf } from '../../../src/domain/notification/presets.js';
import {
  BODY_BYTES_MAX,
  parseTemplate,
  render,
  type ContentType,
} from '../../../src/domain/notification/template.js';
import { T0 } from '../../fakes/manual-time.js';
import { eventOf, notificationOf } from '../../fakes/notifications.js';
import { runs } from '../../support/seed.js';

const decoder = new TextDecoder();

function bodyOf(text: string, notification = notificationOf(), type: ContentType = 'text/plain') {
  const template = parseTemplate(text, type);
  if ('problem' in template) throw new Error(template.problem.message);
  return decoder.decode(render(template, notification));
}

const jsonOf = (text: string, notification?: Notification): unknown =>
  JSON.parse(bodyOf(text, notification, 'application/json'));

const presetOf = (preset: (typeof PRESETS)[number], notification = notificationOf()) =>
  decoder.decode(render(templateOf({ preset }), notification));

describe('the JSON body', () => {
  test('has all of the event, its keys always in the same order', () => {
    expect(presetOf('JSON', notificationOf(eventOf('OPENED'), { suppressed: 3 }))).toBe(`{
  "version": 1,
  "delivery_id": "d-1",
  "channel_id": "ops",
  "store_id": "store-1",
  "sequence": 7,
  "time": "2026-01-01T08:00:00.000Z",
  "kind": "OPENED",
  "suppressed": 3,
  "violation": {
    "id": "v-1",
    "type": "BUDGET_LIMIT_EXCEEDED",
    "severity": "MEDIUM",
    "agent_id": "agent-1",
    "pool_id": "pool-1",
    "rule_id": "limit-1",
    "message": "Agent exceeded spending limit of 100",
    "details": {"limit":"100","overage":"0.01","spent":"100.01"},
    "source": "DETECTED",
    "count": 1
  }
}
`);
  });
});

describe('Slack', () => {
  test('is told in one text', () => {
    expect(JSON.parse(presetOf('SLACK'))).toEqual({
      text:
        '*MEDIUM BUDGET_LIMIT_EXCEEDED* OPENED: agent agent-1 of pool pool-1\n' +
        'Agent exceeded spending limit of 100',
    });
  });

  test('an agent cannot call the channel together or forge a link by what it reports', () => {
    const event = eventOf('OPENED', { message: '<!channel> <https://x.test|pay> & "go"' });
    const { text } = JSON.parse(presetOf('SLACK', notificationOf(event))) as { text: string };
    expect(text.split('\n')[1]).toBe('&lt;!channel&gt; &lt;https://x.test|pay&gt; &amp; "go"');
  });

  test('is told how much it was not told', () => {
    const body = presetOf('SLACK', notificationOf(eventOf('OPENED'), { suppressed: 12 }));
    expect(body).toContain('limit of 100 (12 not told)');
  });
});

interface Alert {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly startsAt: string;
  readonly endsAt: string;
}

const alertsOf = (notification: Notification) =>
  JSON.parse(presetOf('ALERTMANAGER', notification)) as readonly [Alert, Alert];

const BEFORE = '2026-01-01T07:59:00.000Z';
const NOW = '2026-01-01T08:00:00.000Z';
const NEXT_DAY = '2026-01-02T08:00:00.000Z';

describe('Alertmanager', () => {
  test('fires an alert of a violation that opens, twice the same', () => {
    const [first, second] = alertsOf(notificationOf());
    expect(first).toEqual(second);
    expect(second).toEqual({
      labels: {
        alertname: 'BUDGET_LIMIT_EXCEEDED',
        severity: 'warning',
        agent_id: 'agent-1',
        pool_id: 'pool-1',
        rule_id: 'limit-1',
        violation_id: 'v-1',
        store_id: 'store-1',
      },
      annotations: {
        summary: 'Agent exceeded spending limit of 100',
        description: 'OPENED for agent agent-1 of pool pool-1',
      },
      startsAt: NOW,
      endsAt: NEXT_DAY,
    });
  });

  test.each([
    // kind, told before, now; then severity, start and end of both alerts
    ['OPENED', undefined, 'CRITICAL', ['critical', NOW, NEXT_DAY], ['critical', NOW, NEXT_DAY]],
    ['ESCALATED', 'LOW', 'HIGH', ['info', BEFORE, BEFORE], ['critical', NOW, NEXT_DAY]],
    ['ESCALATED', 'HIGH', 'CRITICAL', ['critical', NOW, NEXT_DAY], ['critical', NOW, NEXT_DAY]],
    ['RESOLVED', 'MEDIUM', 'MEDIUM', ['warning', BEFORE, BEFORE], ['warning', BEFORE, BEFORE]],
    ['RECOVERED', 'LOW', 'MEDIUM', ['info', BEFORE, BEFORE], ['warning', BEFORE, BEFORE]],
    ['EPISODE_ENDED', 'INFO', 'INFO', ['info', BEFORE, BEFORE], ['info', BEFORE, BEFORE]],
  ] as const)('%s after %s, now %s', (kind, toldSeverity, severity, first, second) => {
    const notification = notificationOf(eventOf(kind, { severity }), { toldSeverity });
    const shown = alertsOf(notification).map((alert) => [
      alert.labels['severity'],
      alert.startsAt,
      alert.endsAt,
    ]);
    expect(shown).toEqual([first, second]);
  });

  test('identifies an alert in the same way from its beginning to its end', () => {
    const labelsOf = (kind: 'OPENED' | 'RESOLVED') =>
      alertsOf(notificationOf(eventOf(kind), { toldSeverity: 'MEDIUM' }))[1].labels;
    expect(labelsOf('RESOLVED')).toEqual(labelsOf('OPENED'));
  });
});

describe('a template', () => {
  test('in a text stands for the value as it is', () => {
    const text =
      '{{ violation.severity }}: {{violation.details.overage}} over, {{violation.count}}x';
    expect(bodyOf(text)).toBe('MEDIUM: 0.01 over, 1x');
  });

  test('in JSON is a part of a string, or a value of its own', () => {
    const text = `{"a": "<{{sequence}}>", "b": {{sequence}}, "c": {{kind}}, "d": {{violation.details}},
      {{kind}}: [{{violation.details.none}}, "{{violation.details}}"]}`;
    expect(jsonOf(text)).toEqual({
      a: '<7>',
      b: 7,
      c: 'OPENED',
      d: { limit: '100', spent: '100.01', overage: '0.01' },
      OPENED: ['', '{"limit":"100","overage":"0.01","spent":"100.01"}'],
    });
  });

  const NO_FIELD = 'names no field';
  const NOT_ALONE = 'a placeholder must be a whole value or stand within a string';
  test.each([
    ['{{violation.secret}}', 'text/plain', 1, 1, `{{violation.secret}} ${NO_FIELD}`],
    ['a\n {{}}', 'text/plain', 2, 2, `{{}} ${NO_FIELD}`],
    ['{{toString}}', 'text/plain', 1, 1, `{{toString}} ${NO_FIELD}`],
    ['{{violation.details.a b}}', 'text/plain', 1, 1, `{{violation.details.a b}} ${NO_FIELD}`],
    ['{{kind | html}}', 'text/plain', 1, 1, 'html is no filter; there is only slack'],
    ['x {{kind', 'text/plain', 1, 3, 'the placeholder has no end'],
    ['', 'application/json', 1, 1, 'this is not JSON: expected a value'],
    ['{"a": "{{kind}}"', 'application/json', 1, 17, 'this is not JSON: expected a comma or }'],
    ['{"a":\n  "{{kind}}",}', 'application/json', 2, 14, 'this is not JSON: expected a string'],
    ['{"a": "\n"}', 'application/json', 1, 8, 'this is not JSON: expected the rest of a string'],
    ['{{{sequence}}: 1}', 'application/json', 1, 2, 'this is not JSON: expected a string'],
    ['[1{{sequence}}]', 'application/json', 1, 3, NOT_ALONE],
    ['[-{{sequence}}]', 'application/json', 1, 3, NOT_ALONE],
    ['[{{sequence}}5]', 'application/json', 1, 14, NOT_ALONE],
    ['[{{sequence}}{{sequence}}]', 'application/json', 1, 14, NOT_ALONE],
    ['["a"{{kind}}]', 'application/json', 1, 5, NOT_ALONE],
    ['["\\{{kind}}"]', 'application/json', 1, 4, NOT_ALONE],
    ['["\\u00{{sequence}}"]', 'application/json', 1, 7, NOT_ALONE],
  ] as const)('is refused where it goes wrong: %j', (text, type, line, column, message) => {
    expect(parseTemplate(text, type)).toEqual({ problem: { line, column, message } });
  });

  test('is bounded in bytes and placeholders', () => {
    const problemOf = (text: string) => parseTemplate(text, 'text/plain');
    expect(problemOf('ä'.repeat(4_096))).toHaveProperty('pieces');
    expect(problemOf('ä'.repeat(4_097))).toEqual({
      problem: { line: 1, column: 1, message: 'the template is longer than 8192 bytes' },
    });
    expect(problemOf('{{kind}}'.repeat(64))).toHaveProperty('pieces');
    expect(problemOf('{{kind}}'.repeat(65))).toEqual({
      problem: { line: 1, column: 513, message: 'there are more than 64 placeholders' },
    });
  });

  test('escapes that are complete may stand before a placeholder', () => {
    expect(jsonOf('["\\\\{{kind}}", "\\u0041{{kind}}", "\\"{{kind}}"]')).toEqual([
      '\\OPENED',
      'AOPENED',
      '"OPENED',
    ]);
  });
});

const anyText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({
    unit: fc.constantFrom('"', '\\', '{', '}', '\n', '\u0000', '\ud800', 'u', ',', '<'),
  }),
);
const anyNotification: fc.Arbitrary<Notification> = fc
  .record({
    message: anyText,
    ruleId: anyText,
    details: fc.dictionary(anyText, anyText),
    severity: fc.constantFrom<Severity>(...SEVERITIES),
    count: fc.nat(),
  })
  .map((violation) => notificationOf(eventOf('OPENED', violation)));

/** JSON with any placeholder anywhere that is accepted. */
const anyTemplate = fc
  .array(
    fc.oneof(
      fc.constantFrom('{', '}', '[', ']', ',', ':', '"', '\\', '1', '-', ' ', 'u', 'null', '"a":'),
      fc.constantFrom(...Object.keys(FIELDS), 'violation.details.limit').map((n) => `{{${n}}}`),
    ),
    { maxLength: 8 },
  )
  .map((parts) => parts.join(''));

describe('whatever a violation says', () => {
  test('the presets are JSON and keep the message', () => {
    fc.assert(
      fc.property(anyNotification, (notification) => {
        for (const preset of PRESETS) JSON.parse(presetOf(preset, notification));
        const text = presetOf('JSON', notification);
        const body = JSON.parse(text) as { violation: { message: string } };
        const { message, details } = notification.event.violation;
        // What is no character cannot be written in UTF-8 but as an escape, and that is kept.
        expect(body.violation.message).toBe(message);
        // By its text: JSON.parse of Node 24.21 was seen to drop a key after an empty one.
        const sorted = Object.keys(details).sort();
        const written = JSON.stringify(
          Object.fromEntries(sorted.map((key) => [key, details[key]])),
        );
        expect(text).toContain(`"details": ${written},`);
      }),
      runs('presets', 300),
    );
  });

  test('a template that is accepted as JSON renders JSON', () => {
    let accepted = 0;
    fc.assert(
      fc.property(anyTemplate, anyNotification, (text, notification) => {
        const template = parseTemplate(text, 'application/json');
        if ('problem' in template) return;
        accepted += 1;
        JSON.parse(decoder.decode(render(template, notification)));
      }),
      runs('templates', 5_000),
    );
    expect(accepted).toBeGreaterThan(0);
  });

  test('a body fits, the texts in it are cut', () => {
    const huge = '\u0000"&'.repeat(100_000);
    const details = Object.fromEntries(Array.from({ length: 200 }, (_, n) => [`k${n}`, huge]));
    const notification = notificationOf(eventOf('OPENED', { message: huge, details }));
    const texts = [
      `["${'{{violation.message|slack}}'.repeat(64)}"]`,
      `["${'{{violation.details}}'.repeat(64)}"]`,
      '{"message": {{violation.message}}, "details": {{violation.details}}}',
    ];
    for (const text of texts) {
      const body = bodyOf(text, notification, 'application/json');
      JSON.parse(body);
      expect(Buffer.byteLength(body)).toBeLessThanOrEqual(BODY_BYTES_MAX);
    }
    const cut = jsonOf('{{violation.message}}', notification) as string;
    expect(cut.endsWith('…')).toBe(true);
    expect(cut.length).toBeLessThanOrEqual(16_384);
  });

  test('no character is cut in two', () => {
    const notification = notificationOf(eventOf('OPENED', { message: 'a😀'.repeat(40_000) }));
    const cut = jsonOf('{{violation.message}}', notification) as string;
    expect(() => encodeURIComponent(cut)).not.toThrow();
  });
});

test('what is JSON is judged as JSON.parse judges it', () => {
  const text = fc.oneof(
    fc.json(),
    fc
      .json()
      .chain((json) =>
        fc
          .tuple(fc.nat(json.length), fc.constantFrom('"', ',', '{', ']', '\\', '0', 'e', '\u007f'))
          .map(([at, char]) => json.slice(0, at) + char + json.slice(at)),
      ),
    fc.string({ unit: fc.constantFrom(...'{}[],:"\\u0e1.-+ tru\n'.split('')) }),
  );
  fc.assert(
    fc.property(text, (json) => {
      let valid = true;
      try {
        JSON.parse(json);
      } catch {
        valid = false;
      }
      expect(jsonProblem(json) === undefined).toBe(valid);
    }),
    runs('JSON', 2_000),
  );
});

test('times of the clock stay readable', () => {
  expect(bodyOf('{{time}}', notificationOf(eventOf('OPENED', {}, { time: T0 + 1 })))).toBe(
    '2026-01-01T08:00:00.001Z',
  );
});

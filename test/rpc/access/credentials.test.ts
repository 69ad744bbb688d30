import { describe, expect, test } from 'vitest';
import { identify } from '../../../src/rpc/access/credentials.js';
import { readCredentials } from '../../../src/rpc/access/credentials-file.js';
import { scopeOf } from '../../../src/rpc/access/principal.js';
import { formatHash, newToken, parseHash } from '../../../src/rpc/access/token.js';
import { principal } from '../support/principals.js';

const SPIFFE = 'uri:spiffe://example.org/worker';
const KNOWN = [
  principal('admin', { digests: [parseHash(formatHash('old'))!, parseHash(formatHash('new'))!] }),
  principal('agent', { certificates: [SPIFFE, 'cn:worker'] }),
  principal('viewer', { certificates: ['dns:dashboard.example.org'] }),
];

const shown = (authorization: readonly unknown[], certificate: readonly string[] = []) => {
  const found = identify(KNOWN, { authorization, certificate });
  return 'verdict' in found ? found.reason : found.name;
};

describe('a caller', () => {
  test.each([
    [[], 'CREDENTIALS_MISSING'],
    [['Bearer old'], 'the-admin'],
    [['bearer  new'], 'the-admin'],
    [['Bearer ol'], 'CREDENTIALS_INVALID'],
    [['Bearer olds'], 'CREDENTIALS_INVALID'],
    [['Bearer old x'], 'CREDENTIALS_INVALID'],
    [['old'], 'CREDENTIALS_INVALID'],
    [[''], 'CREDENTIALS_INVALID'],
    [['Bearer old', 'Bearer old'], 'CREDENTIALS_INVALID'],
    [[Buffer.from('Bearer old')], 'CREDENTIALS_INVALID'],
  ])('with the header %j is %s', (authorization, who) => {
    expect(shown(authorization)).toBe(who);
  });

  test.each([
    [[SPIFFE], 'the-agent'],
    [['cn:worker', SPIFFE], 'the-agent'],
    [['cn:other'], 'CREDENTIALS_INVALID'],
    [['cn:worker', 'dns:dashboard.example.org'], 'CREDENTIALS_INVALID'],
  ])('with a certificate of %j is %s', (certificate, who) => {
    expect(shown([], certificate)).toBe(who);
  });

  test('with both is who the token says', () => {
    expect(shown(['Bearer old'], [SPIFFE])).toBe('the-admin');
    expect(shown(['Bearer nothing'], [SPIFFE])).toBe('CREDENTIALS_INVALID');
  });

  test('who is refused is not told what it sent', () => {
    const refusal = identify(KNOWN, { authorization: ['Bearer hunter2'], certificate: ['cn:x'] });
    expect(JSON.stringify(refusal)).not.toContain('hunter2');
  });
});

test('a token that was made has 256 random bits, and its hash is read again', () => {
  const token = newToken();
  expect(token).toMatch(/^sgt_[\w-]{43}$/);
  expect(newToken()).not.toBe(token);
  expect(parseHash(formatHash(token))).toHaveLength(32);
});

test.each([
  [['one'], 'one', true],
  [['one'], 'one/two', false],
  [['team-a/*'], 'team-a/one', true],
  [['team-a/*'], 'team-a', false],
  [['team-a/*'], 'team-ab/one', false],
  [['x', 'team-*'], 'team-b/two', true],
  [['*'], 'anything', true],
  [['*'], '', true],
  [['one'], '', false],
])('who has %j has "%s": %s', (agents, id, own) => {
  expect(scopeOf({ name: 'n', role: 'agent', agents })?.(id)).toBe(own);
});

describe('a credentials file', () => {
  const HASH = formatHash('a token');

  test('names principals with roles, agents, tokens and certificates', () => {
    const text = `
principals:
  - name: research
    role: agent
    agents: [researcher, team-a/*]
    tokens: [${HASH}, "${formatHash('the next')}"]
    certificates:
      - ${SPIFFE}
      - dns:Worker.example.org
  - { name: ops@example.org, role: admin, certificates: [cn:Ops] }
`;
    expect(readCredentials(text, 'f')).toEqual({
      problems: [],
      principals: [
        {
          principal: { name: 'research', role: 'agent', agents: ['researcher', 'team-a/*'] },
          digests: [parseHash(HASH), parseHash(formatHash('the next'))],
          certificates: [SPIFFE, 'dns:worker.example.org'],
        },
        {
          principal: { name: 'ops@example.org', role: 'admin', agents: undefined },
          digests: [],
          certificates: ['cn:Ops'],
        },
      ],
    });
  });

  test('names the line of a role that is none', () => {
    const text = 'principals:\n  - name: a\n    role: boss\n    certificates: ["cn:a"]\n';
    expect(readCredentials(text, 'f').problems).toEqual([
      'f line 3: give it a "role": agent, viewer, operator, admin.',
    ]);
  });

  test('names everything that is wrong at once, by line', () => {
    const text = `principals:
  - name: admin
    role: boss
    tokens: [${HASH}]
  - name: two
    role: agent
    tokens: [${HASH}]
  - name: two
    role: viewer
    agents: [x]
    certificates: ["ou:x"]
  - name: three
    role: viewer
    extra: 1
  - name: "no spaces"
    role: viewer
    certificates: [cn:a]
  - name: four
    role: agent
    agents: ["*x", "a b"]
    certificates: [cn:a]
also: 1
`;
    const { problems, principals } = readCredentials(text, 'file.yaml');
    expect(principals).toEqual([]);
    expect(problems.map((problem) => problem.replace('file.yaml line ', '').slice(0, 60))).toEqual([
      '22: the keys here are principals.',
      "2: the name admin is the sidecar's own. Choose another.",
      '3: give it a "role": agent, viewer, operator, admin.',
      '5: an agent principal needs "agents", the ids that are its o',
      '7: this token is there already, at file.yaml line 4.'.slice(0, 60),
      '8: the name two is there already, at file.yaml line 5.'.slice(0, 60),
      '8: only the role agent has "agents". Leave it out.',
      '11: write cn:NAME, uri:URI or dns:NAME of a certificate.',
      '14: the keys here are name, role, agents, tokens, certificat',
      '12: give it "tokens" or "certificates", or nobody is it.',
      '15: give it a "name" of letters, digits and ._@/- that begin',
      "20: write an agent's id, or a prefix that ends in *.",
      "20: write an agent's id, or a prefix that ends in *.",
      '21: this certificate is there already, at file.yaml line 17.',
    ]);
  });

  test('that holds a token itself is refused without showing it', () => {
    const token = newToken();
    const text = `principals:\n  - {name: a, role: viewer, tokens: [${token}]}\n`;
    const { problems } = readCredentials(text, 'f');
    expect(problems).toEqual([expect.stringMatching(/^f line 2: it is no hash.*token create/)]);
    expect(problems.join()).not.toContain(token);
  });

  test.each([
    ['', /write principals as/],
    ['principals: []', /a list of 1 to 1000/],
    ['principals: 7', /a list of 1 to 1000/],
    ['principals: [', /it is no YAML/],
    ['principals: [&a {name: x}, *a]', /write name, role/],
    ['principals: ["text"]', /write name, role/],
  ])('%j is refused', (text, problem) => {
    const { problems, principals } = readCredentials(text, 'f');
    expect(principals).toEqual([]);
    expect(problems).toContainEqual(expect.stringMatching(problem));
  });

  test('that is too large is not read', () => {
    expect(readCredentials('#'.repeat(5_000_000), 'f').problems).toEqual([
      'f: it is larger than 4194304 bytes.',
    ]);
  });
});

import { Metadata, status, type ServiceError } from '@grpc/grpc-js';
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';
import { reject, rejectFields } from '../../src/domain/answer.js';
import type { RejectionReason } from '../../src/domain/answer.js';
import { Code } from '../../src/gen/google/rpc/code_pb.js';
import { ErrorReasonSchema } from '../../src/gen/safeguards/v1/error_reason_pb.js';
import { CODES, type Failure, refuse, rejectFault } from '../../src/rpc/status.js';
import { connectError } from '../../src/rpc/connect-error.js';
import { codeOf, grpcStatus, nameOf } from '../../src/rpc/status-details.js';
import { failureOf } from './support/grpc.js';

const root = path.resolve(import.meta.dirname, '../..');
const read = (name: string): string => readFileSync(path.join(root, name), 'utf8');

/** A failure as a client of grpc-js gets it. */
function errorOf(failure: Failure): ServiceError {
  const { message, details } = grpcStatus(failure);
  const metadata = new Metadata();
  metadata.set('grpc-status-details-bin', Buffer.from(details));
  return { code: status[nameOf(failure)], details: message, metadata, name: '', message: '' };
}

describe('the reasons', () => {
  const table = Object.entries(CODES);

  test('in the table are those of the API', () => {
    const names = ErrorReasonSchema.values
      .filter(({ number }) => number !== 0)
      .map(({ name }) => name.replace('ERROR_REASON_', ''));
    expect(table.map(([reason]) => reason).sort()).toEqual([...names].sort());
  });

  test('have the codes that the API says', () => {
    const proto = read('proto/safeguards/v1/error_reason.proto');
    const said = [...proto.matchAll(/\/\/ ([A-Z_]+)\. [^=]*?ERROR_REASON_([A-Z_]+) = [1-9]/g)];
    expect(said.map(([, code, reason]) => [reason, code]).sort()).toEqual([...table].sort());
  });

  test('are documented with their codes, when and what to do', () => {
    const rows = read('docs/errors.md')
      .split('\n')
      .filter((line) => line.startsWith('| `'))
      .map((line) => line.split('|').map((cell) => cell.trim()));
    expect(rows.map(([, code, reason]) => [reason, code])).toEqual(
      table.map(([reason, code]) => [`\`${reason}\``, `\`${code}\``]),
    );
    for (const [, , , when, what] of rows) {
      expect(when).toMatch(/^.{10,}\.$/);
      expect(what).toMatch(/^.{8,}\.$/);
    }
  });

  test.each(table)('%s is %s over gRPC and Connect', (reason, code) => {
    const rejection = reject(reason as RejectionReason, 'No');
    expect(codeOf(rejection)).toBe(Code[code]);
    expect(grpcStatus(rejection).code).toBe(Code[code]);
    expect(connectError(rejection).code).toBe(Code[code]);
  });
});

describe('the details of an error', () => {
  test('are the same over gRPC and Connect', () => {
    const rejection = {
      ...rejectFields([
        { field: 'amount', description: 'Give an amount' },
        { field: 'items[3].agent_id', description: 'Give an id' },
      ]),
      retryAfterMs: 1_500,
    };
    expect(failureOf(errorOf(rejection))).toEqual({
      code: 'INVALID_ARGUMENT',
      message: rejection.message,
      reason: 'INVALID_REQUEST',
      domain: 'safeguards.dev',
      metadata: { fields: 'amount,items[3].agent_id' },
      fields: ['amount', 'items[3].agent_id'],
      retryAfterMs: 1_500,
    });
    expect(
      connectError(rejection).details.map((detail) => 'desc' in detail && detail.desc.typeName),
    ).toEqual(['google.rpc.ErrorInfo', 'google.rpc.BadRequest', 'google.rpc.RetryInfo']);
  });

  test('are bounded, and say what they leave out', () => {
    const fields = Array.from({ length: 5_000 }, (_, at) => ({
      field: `items[${at}].amount`,
      description: 'Give an amount',
    }));
    expect(grpcStatus(rejectFields(fields)).details.length).toBeLessThan(6_000);
    const failure = failureOf(errorOf(rejectFields(fields)));
    expect(failure.fields.length).toBeGreaterThan(20);
    expect(failure.metadata['violations_omitted']).toBe(String(5_000 - failure.fields.length));
    expect(failure.metadata['fields']?.split(',')).toEqual(failure.fields);
  });

  test('are none where the API is not ours', () => {
    expect(connectError(refuse('NOT_FOUND', 'No')).details).toEqual([]);
    expect(failureOf(errorOf(refuse('UNIMPLEMENTED', 'No')))).toMatchObject({
      code: 'UNIMPLEMENTED',
      reason: undefined,
    });
  });
});

test.each([new Error('secret'), 'secret', undefined, Object.create(null) as unknown])(
  'a fault is told nobody but the log: %o',
  (cause) => {
    const lines: unknown[] = [];
    const log = {
      info: () => undefined,
      warn: () => undefined,
      error: (fields: object) => lines.push(fields),
    };
    const rejection = rejectFault(cause, '/a/b', log);
    expect(JSON.stringify(rejection)).not.toContain('secret');
    expect(lines).toMatchObject([{ errorId: rejection.metadata['error_id'], method: '/a/b' }]);
  },
);

/** Characters that connect-node percent-encodes and grpc-js does not decode. */
const UNWANTED = /[,;/?:@&=+$#%]/;

describe('messages', () => {
  const found = messagesOf('src');

  test('are found', () => {
    expect(found.length).toBeGreaterThan(15);
  });

  test.each(found)('are plain sentences: %s', (text) => {
    expect(text).not.toMatch(UNWANTED);
    expect(text).toMatch(/^[A-Z].*[^.]$/);
  });
});

/** Every message that a call of reject or refuse in the sources gives. */
function messagesOf(folder: string): readonly string[] {
  const names = readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' });
  return names
    .filter((name) => name.endsWith('.ts') && !name.startsWith('gen'))
    .flatMap((name) => {
      const file = path.join(folder, name);
      const source = ts.createSourceFile(file, read(file), ts.ScriptTarget.Latest, true);
      const messages: string[] = [];
      const visit = (node: ts.Node): void => {
        if (ts.isCallExpression(node) && /^(reject|refuse)$/.test(node.expression.getText())) {
          const [, message] = node.arguments;
          if (message !== undefined && ts.isStringLiteralLike(message)) messages.push(message.text);
        }
        node.forEachChild(visit);
      };
      visit(source);
      return messages;
    });
}

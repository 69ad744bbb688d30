import type { Outcome, Rejection } from '../domain/answer.js';
import type { Command } from '../domain/command.js';
import type { LedgerApi } from '../ledger/api.js';
import type { UnaryHandler } from './method.js';
import { isFailure } from './status.js';

/** Makes the handler of a mutation: read the request, let the ledger decide, print the outcome. */
export function commandMethod<I, O>(
  ledger: LedgerApi,
  decode: (request: I) => Command | Rejection,
  encode: (outcome: Outcome) => O,
): UnaryHandler<I, O> {
  return (request, caller) => {
    const command = decode(request);
    if (isFailure(command)) return command;
    return ledger
      .execute(command, caller)
      .then((answer) => (isFailure(answer) ? answer : encode(answer)));
  };
}

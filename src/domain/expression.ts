import type { Amount } from './amount.js';
import type { Agent, Instant, Pool, Quantities } from './model.js';

/**
 * What a monitor's expression is a function of: the rows as they are before the request, and the
 * request. Nothing is copied or computed for it; a field is read when the expression names it.
 */
export interface ExpressionInput {
  readonly agent: Agent;
  /** The pool the agent draws from. */
  readonly pool: Pool;
  /** What would be granted: with UP_TO that may be less than what was asked for. */
  readonly amount: Amount;
  /** Empty when the request has none. */
  readonly category: string;
  /** Empty when the request has none. `requests` is never among them. */
  readonly quantities: Quantities;
  readonly now: Instant;
}

/** What an expression came to. FAILED: it has no value for this input, which denies. */
export type Evaluated =
  | { readonly kind: 'VALUE'; readonly value: boolean }
  | { readonly kind: 'FAILED'; readonly message: string };

/** A compiled expression. It is immutable and serves any number of evaluations. */
export interface Expression {
  /**
   * true: the request passes. Synchronous, changes nothing, throws nothing. Its cost is bounded by
   * the source: each part runs at most once. A failure's message says what failed and where, and
   * may stand in a status message.
   */
  readonly evaluate: (input: ExpressionInput) => Evaluated;
}

/** A place in a source, counted in Unicode code points. */
export interface SourcePlace {
  /** From 1. */
  readonly line: number;
  /** Within the line, from 1. */
  readonly column: number;
  /** From 0. */
  readonly offset: number;
}

/** A source that is no expression, and the place that says why. */
export interface RefusedExpression extends SourcePlace {
  readonly kind: 'REFUSED';
  /** Printable ASCII. May quote the source: for a field's description, not for a status message. */
  readonly message: string;
}

/** What became of a source: EXPRESSION_INVALID is the error of a REFUSED one. */
export type Compiled =
  { readonly kind: 'COMPILED'; readonly expression: Expression } | RefusedExpression;

/** Compiles the source of a monitor's expression. Throws nothing. Guide: register_budget_monitor. */
export type CompileExpression = (source: string) => Compiled;

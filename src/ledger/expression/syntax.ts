/** Operators of two operands that always evaluate both. */
export type BinaryOperator =
  '==' | '!=' | '<' | '<=' | '>' | '>=' | 'in' | '+' | '-' | '*' | '/' | '%';

/** What every part of an expression has, in UTF-16 offsets of the source. */
interface Part {
  /** Where the part begins, parentheses around it not counted. */
  readonly start: number;
  /** Its most telling place: the operator, the method's or the field's name, or else the start. */
  readonly at: number;
}

/** A part of an expression, of the forms that monitors know. */
export type Syntax = Part &
  (
    | { readonly kind: 'LITERAL'; readonly value: boolean | bigint | string }
    | { readonly kind: 'NAME'; readonly name: string }
    | { readonly kind: 'FIELD'; readonly of: Syntax; readonly name: string }
    | { readonly kind: 'INDEX'; readonly of: Syntax; readonly key: Syntax }
    | { readonly kind: 'CALL'; readonly name: string; readonly args: readonly Syntax[] }
    | {
        readonly kind: 'METHOD';
        readonly of: Syntax;
        readonly name: string;
        readonly args: readonly Syntax[];
      }
    | { readonly kind: 'LIST'; readonly items: readonly Syntax[] }
    | {
        readonly kind: 'CHOICE';
        readonly condition: Syntax;
        readonly then: Syntax;
        readonly otherwise: Syntax;
      }
    | {
        readonly kind: 'LOGIC';
        readonly operator: '&&' | '||';
        readonly left: Syntax;
        readonly right: Syntax;
      }
    | {
        readonly kind: 'BINARY';
        readonly operator: BinaryOperator;
        readonly left: Syntax;
        readonly right: Syntax;
      }
    | { readonly kind: 'UNARY'; readonly operator: '!' | '-'; readonly of: Syntax }
  );

/** Thrown while compiling, caught where compiling began: the source is no expression. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  /** UTF-16 offset. */
  readonly at: number;

  constructor(message: string, at: number) {
    super(message);
    this.at = at;
  }
}

/** Thrown while evaluating, caught where evaluating began: there is no value for this input. */
export class Failure extends Error {
  override readonly name = 'Failure';
  /** UTF-16 offset. */
  readonly at: number;

  constructor(message: string, at: number) {
    super(message);
    this.at = at;
  }
}

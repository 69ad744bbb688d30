import type { DescField, DescMessage, JsonObject, MessageShape } from '@bufbuild/protobuf';
import type { Method } from './client.js';
import type { Terminal } from './terminal.js';

/** What a person gave, by the names of the request's fields, in the JSON form of protobuf. */
export type Given = JsonObject;

/** What a verb says of itself, for any request and response. */
interface VerbShape {
  /** What is typed, such as `pool create`. */
  readonly words: string;
  /** One line for the list of verbs, without a full stop. */
  readonly summary: string;
  /** The listener that is called: agents' needs no token. */
  readonly listener: 'agent' | 'admin';
  /**
   * Fields given by position, in order: `agent_id` must be given, `[amount]` may be, `[agent_ids...]`
   * takes the rest. Every other field of the request is an option by itself.
   */
  readonly positional: readonly string[];
  /** A line that works, after the program's name. */
  readonly example: string;
  /** For an update: the field that holds the new values, and which of them may be given. */
  readonly update?: { readonly field: string; readonly names: readonly string[] };
  /** Options beside the request's fields: their flags and what they are. */
  readonly extra?: Readonly<Record<string, string>>;
  /** Fields of messages in the request that are options too: `complete` puts them where they belong. */
  readonly inner?: readonly DescField[];
  /** Options beside all fields that may be left out: their flags and what they are. */
  readonly choices?: Readonly<Record<string, string>>;
  /** Fields that are no options, since `complete` fills them. */
  readonly without?: readonly string[];
  /** Options that are called otherwise than their fields. */
  readonly names?: Readonly<Record<string, string>>;
  /** How long the answer may take; 30 s when left out. */
  readonly timeoutMs?: number;
  /** Finishes the request: what cannot be said field by field. */
  readonly complete?: (given: Given, terminal: Terminal) => Given | Promise<Given>;
}

/** A verb of the command line and the method that it calls. */
export interface Verb<
  I extends DescMessage = DescMessage,
  O extends DescMessage = DescMessage,
> extends VerbShape {
  readonly method: Method<I, O>;
  /** The response for people, with its line feeds. */
  show(response: MessageShape<O>): string;
  /** What the process exits with when there is a response; 0 when left out. */
  exit?(response: MessageShape<O>): number;
}

/** Checks a row of the table against the types of its method. */
export function verb<I extends DescMessage, O extends DescMessage>(row: Verb<I, O>): Verb {
  return row;
}

import type { Terminal } from '../terminal.js';

/** What the demo tells: chapters, facts, and expectations that hold or fail. */
export class Story {
  failures = 0;
  readonly #terminal: Terminal;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  /** Begins a chapter. */
  chapter(title: string): void {
    this.#terminal.out(`\n${title}\n`);
  }

  /** Tells a fact that must hold; one that does not makes the demo fail. */
  expect(holds: boolean, fact: string): void {
    if (!holds) this.failures += 1;
    this.#terminal.out(`  ${holds ? 'ok  ' : 'FAIL'}  ${fact}\n`);
  }

  /** Tells an amount that must be this one. */
  equal(what: string, actual: string | undefined, expected: string): void {
    const but = actual === expected ? '' : `, but it is ${actual ?? 'missing'}`;
    this.expect(actual === expected, `${what} ${expected}${but}.`);
  }
}

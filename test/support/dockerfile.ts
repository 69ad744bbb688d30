/** A Dockerfile, read far enough to do its steps without a container engine. */

/** One instruction, continuation lines joined. */
export interface Instruction {
  readonly keyword: string;
  /** What follows the keyword, without flags such as `--from=build`. */
  readonly rest: string;
  readonly flags: ReadonlyMap<string, string>;
}

/** From one FROM to the next. */
export interface Stage {
  readonly name: string;
  readonly base: string;
  readonly instructions: readonly Instruction[];
}

/** The instructions of a Dockerfile, comments left out. */
export function instructionsOf(text: string): readonly Instruction[] {
  const lines = text
    .split('\n')
    .filter((line) => !/^\s*#/.test(line))
    .join('\n')
    .replaceAll(/\\\n\s*/g, '')
    .split('\n');
  return lines
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [, keyword = '', given = ''] = /^(\w+)\s+(.*)$/.exec(line.trim()) ?? [];
      const flags = new Map<string, string>();
      let rest = given;
      // A RUN's flags would be BuildKit's; a command's own words start later.
      for (let found; (found = /^--(\w+)=(\S+)\s+/.exec(rest)) !== null;) {
        flags.set(found[1] ?? '', found[2] ?? '');
        rest = rest.slice(found[0].length);
      }
      return { keyword: keyword.toUpperCase(), rest, flags };
    });
}

/** The stages of a Dockerfile; what stands before the first FROM is left out. */
export function stagesOf(instructions: readonly Instruction[]): readonly Stage[] {
  const stages: { name: string; base: string; instructions: Instruction[] }[] = [];
  for (const instruction of instructions) {
    if (instruction.keyword === 'FROM') {
      const [base = '', , name = String(stages.length)] = instruction.rest.split(/\s+/);
      stages.push({ name, base, instructions: [] });
    } else {
      stages.at(-1)?.instructions.push(instruction);
    }
  }
  return stages;
}

/** The pairs of an ENV, ARG or LABEL. */
export function pairsOf(rest: string): ReadonlyMap<string, string> {
  const pairs = rest.matchAll(/([\w.]+)=("[^"]*"|\S+)/g);
  return new Map([...pairs].map(([, name = '', value = '']) => [name, value.replaceAll('"', '')]));
}

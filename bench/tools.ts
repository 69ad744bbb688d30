import { accessSync, constants, readdirSync } from 'node:fs';
import path from 'node:path';

/** Programs that the benchmarks use where they are installed. */
export type ToolName = 'redis-server' | 'h2load' | 'postgres' | 'initdb' | 'pgbench' | 'psql';

/** Where Debian puts the server programs of PostgreSQL, by version. */
const POSTGRESQL = '/usr/lib/postgresql';

/** The path of a program, or undefined where it is not installed. */
export function toolPath(name: ToolName): string | undefined {
  return folders()
    .map((folder) => path.join(folder, name))
    .find(isProgram);
}

/** Those of the programs that are not installed. */
export function missingTools(names: readonly ToolName[]): readonly ToolName[] {
  return names.filter((name) => toolPath(name) === undefined);
}

/** The path of a program that must be there. */
export function mustHave(name: ToolName): string {
  const found = toolPath(name);
  if (found === undefined) throw new Error(`${name} is not installed`);
  return found;
}

/** Programs of PostgreSQL first from the folder where its server is: versions must agree. */
function folders(): readonly string[] {
  const named = (process.env['PATH'] ?? '').split(path.delimiter).filter((part) => part !== '');
  return [...postgresqlFolders(), ...named];
}

function postgresqlFolders(): readonly string[] {
  try {
    const versions = readdirSync(POSTGRESQL).sort((a, b) => Number(b) - Number(a));
    return versions.map((version) => path.join(POSTGRESQL, version, 'bin'));
  } catch {
    return [];
  }
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

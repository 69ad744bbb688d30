import { readFileSync } from 'node:fs';
import { isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import { ConfigError, type Given } from './config.js';

/**
 * Reads a YAML file of settings, `name: value`, one per line; a list may be written as a YAML list.
 * Values are taken as they are written, so that no number passes through a float. Throws a
 * ConfigError when the file cannot be read or is not a map of plain values.
 */
export function readConfigFile(file: string): Readonly<Record<string, Given>> {
  const lines = new LineCounter();
  const document = parseDocument(textOf(file), { lineCounter: lines });
  const at = (offset: number | undefined) => `${file} line ${lines.linePos(offset ?? 0).line}`;
  if (document.errors.length > 0) {
    throw new ConfigError(
      document.errors.map(({ pos, message }) => `${at(pos[0])}: ${message.split('\n')[0] ?? ''}`),
    );
  }
  const root: unknown = document.contents;
  if (root === null) return {};
  if (!isMap(root)) throw new ConfigError([`${at(0)}: write one "name: value" a line.`]);

  const given: Record<string, Given> = {};
  const problems: string[] = [];
  for (const { key, value } of root.items) {
    const where = at(isScalar(key) ? key.range?.[0] : undefined);
    const name = written(key);
    const text = isSeq(value) ? joined(value.items) : written(value);
    if (name === undefined || text === undefined) {
      problems.push(`${where}: ${name ?? 'a key'} is not a plain value. Write "name: value".`);
    } else {
      given[name] = { text, where };
    }
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return given;
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConfigError([`--config: ${file} cannot be read. ${reason}`]);
  }
}

/** The text of a scalar, without quotes; empty for nothing. */
function written(node: unknown): string | undefined {
  if (node === null) return '';
  if (!isScalar(node)) return undefined;
  if (node.value === null) return '';
  return typeof node.value === 'string' ? node.value : node.source;
}

function joined(items: readonly unknown[]): string | undefined {
  const texts = items.map(written);
  return texts.every((text) => text !== undefined) ? texts.join(',') : undefined;
}

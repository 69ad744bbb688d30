// Prints the bill of materials of what runs: CycloneDX 1.6, from the lock file alone, the same bytes for
// the same lock file.
// Usage: node scripts/sbom.mjs [package-lock.json] [> sbom.cdx.json]
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import process from 'node:process';
import { lockPackages, resolveAt } from './lock-packages.mjs';

const file = process.argv[2] ?? 'package-lock.json';
const text = readFileSync(file, 'utf8');
const { name, version, packages } = JSON.parse(text);
const root = packages[''];

/** The package URL of an npm package. */
const purl = (one) => `pkg:npm/${one.name.replace('@', '%40')}@${one.version}`;

const all = lockPackages(file).filter(({ isDevelopment }) => !isDevelopment);
const byPlace = new Map(all.map((one) => [one.place, one]));
// One version may lie in several places.
const byPurl = new Map(all.map((one) => [purl(one), one]));

function refs(place, names) {
  const found = names
    .map((one) => resolveAt(byPlace, place, one))
    .filter((one) => one !== undefined);
  return [...new Set(found.map(purl))].sort();
}

function component(one) {
  const [algorithm = '', digest = ''] = one.integrity.split('-');
  const hash = Buffer.from(digest, 'base64').toString('hex');
  const isExpression = / (AND|OR) /.test(one.licence);
  return {
    type: 'library',
    'bom-ref': purl(one),
    name: one.name,
    version: one.version,
    scope: one.isOptional ? 'optional' : 'required',
    ...(hash === '' ? {} : { hashes: [{ alg: algorithm.replace('sha', 'SHA-'), content: hash }] }),
    licenses: [
      isExpression
        ? { expression: one.licence.replace(/^\((.*)\)$/, '$1') }
        : { license: { id: one.licence } },
    ],
    purl: purl(one),
  };
}

/** A UUID that is the lock file's own (version 8 of RFC 9562). */
function serialNumber() {
  const hex = createHash('sha256').update(text).digest('hex');
  const variant = '89ab'[Number.parseInt(hex[16], 16) % 4];
  const parts = [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`];
  return `urn:uuid:${[...parts, `${variant}${hex.slice(17, 20)}`, hex.slice(20, 32)].join('-')}`;
}

const own = purl({ name, version });
const names = Object.keys({ ...root.dependencies, ...root.optionalDependencies });
const edges = new Map();
for (const one of all) {
  const known = edges.get(purl(one)) ?? [];
  edges.set(purl(one), [...new Set([...known, ...refs(one.place, one.dependencies)])].sort());
}

console.log(
  JSON.stringify(
    {
      bomFormat: 'CycloneDX',
      specVersion: '1.6',
      serialNumber: serialNumber(),
      version: 1,
      metadata: {
        component: {
          type: 'application',
          'bom-ref': own,
          name,
          version,
          licenses: [{ license: { id: root.license } }],
          purl: own,
        },
      },
      components: [...byPurl.values()].map(component),
      dependencies: [
        { ref: own, dependsOn: refs('', names) },
        ...[...edges].map(([ref, dependsOn]) => ({ ref, dependsOn })),
      ],
    },
    null,
    2,
  ),
);

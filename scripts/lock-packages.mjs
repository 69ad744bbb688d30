import { readFileSync } from 'node:fs';

/** Every package of the lock file, by its place in node_modules, in the order of the places. */
export function lockPackages(file) {
  const { packages } = JSON.parse(readFileSync(file, 'utf8'));
  return Object.entries(packages)
    .filter(([place]) => place !== '')
    .map(([place, entry]) => ({
      place,
      name: entry.name ?? place.slice(place.lastIndexOf('node_modules/') + 'node_modules/'.length),
      version: entry.version,
      licence: entry.license ?? '',
      // What only developing needs is not part of what runs.
      isDevelopment: entry.dev === true || entry.devOptional === true,
      isOptional: entry.optional === true,
      hasInstallScript: entry.hasInstallScript === true,
      integrity: entry.integrity ?? '',
      dependencies: Object.keys({ ...entry.dependencies, ...entry.optionalDependencies }),
    }))
    .sort((a, b) => (a.place < b.place ? -1 : 1));
}

/** The package that a name means at a place (the root's is empty): the nearest one on the way up. */
export function resolveAt(byPlace, place, name) {
  let folder = place;
  for (;;) {
    const own = folder === '' ? `node_modules/${name}` : `${folder}/node_modules/${name}`;
    const found = byPlace.get(own);
    if (found !== undefined || folder === '') return found;
    const end = folder.lastIndexOf('/node_modules/');
    folder = end < 0 ? '' : folder.slice(0, end);
  }
}

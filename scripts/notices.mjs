// The licences of what is in a build.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** The place of the package that a module is part of, or undefined when it is our own. */
export function packageOf(module) {
  return /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)/.exec(module)?.[1];
}

/** What must be passed on with packages, and with generated code among the modules of a bundle. */
export function notices(places, modules) {
  const parts = places.map((place) => {
    const { name, version, license } = manifestOf(place);
    return [`${name} ${version} (${license})`, ...textsOf(place, places, modules)];
  });
  const generated = headersOf(modules.filter((module) => module.startsWith('src/gen/')));
  const apache = readFileSync('LICENSE', 'utf8').trim();
  return [...parts, ['Generated code', ...generated], ['Apache License 2.0', apache]]
    .map((part) => part.join('\n\n'))
    .join(`\n\n${'-'.repeat(80)}\n\n`);
}

/** The texts of a package's licence: its files, or else what stands above its modules. */
function textsOf(place, places, modules) {
  const files = readdirSync(place).filter((file) => /^(licen[cs]e|notice|copyright)/i.test(file));
  if (files.length > 0) {
    return files.map((file) => readFileSync(path.join(place, file), 'utf8').trim());
  }
  const headers = headersOf(modules.filter((module) => packageOf(module) === place));
  if (headers.length > 0) return headers;
  const { name, license, author } = manifestOf(place);
  // The binary that a package has for one platform is under the licence of that package.
  const whole = places.find((other) => name in (manifestOf(other).optionalDependencies ?? {}));
  if (whole !== undefined) return textsOf(whole, places, modules);
  if (license === 'MIT' && typeof author === 'string') return [mit(author)];
  throw new Error(`${name} has no text of its licence`);
}

function manifestOf(place) {
  return JSON.parse(readFileSync(`${place}/package.json`, 'utf8'));
}

/** The notices of copyright at the beginning of modules, each once. */
function headersOf(files) {
  const headers = files.map((file) => {
    const [first = ''] = /^(?:\/\/.*\n)+/.exec(readFileSync(file, 'utf8')) ?? [];
    return first.replaceAll(/^\/\/ ?/gm, '').trim();
  });
  return [...new Set(headers)].filter((header) => header.includes('Copyright'));
}

function mit(author) {
  return `Copyright (c) ${author}

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.`;
}

import { readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import { ROOT } from './sidecar.js';

/** How receivers verify a request, as the documentation has it. */
type IsGenuine = (header: string, body: Uint8Array, secret: string, now?: number) => boolean;

/** Runs the verification in TypeScript that docs/notifications.md shows. */
export async function isGenuine(...request: Parameters<IsGenuine>): Promise<boolean> {
  const document = readFileSync(path.join(ROOT, 'docs/notifications.md'), 'utf8');
  const [, source = ''] = /^```ts\n(.*?)^```$/ms.exec(document) ?? [];
  const options = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 };
  const code = ts.transpileModule(source, { compilerOptions: options }).outputText;
  const url = `data:text/javascript;base64,${Buffer.from(code).toString('base64')}`;
  const shown = (await import(/* @vite-ignore */ url)) as { readonly isGenuine: IsGenuine };
  return shown.isGenuine(...request);
}

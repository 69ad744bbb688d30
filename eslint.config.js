import js from '@eslint/js';
import { defineConfig, globalIgnores } from 'eslint/config';
import { builtinModules } from 'node:module';
import path from 'node:path';
import tseslint from 'typescript-eslint';

// Which folder of src may import which. The name is the folder's, or that of a file right in src.
// test/tidy.test.ts holds the same table and reads the files by other means, on purpose.
const mayImport = {
  domain: [],
  ledger: ['domain'],
  wire: ['domain'],
  store: ['ledger', 'domain', 'wire', 'gen'],
  http2: [],
  rpc: ['ledger', 'domain', 'wire', 'http2', 'gen'],
  delivery: ['ledger', 'domain'],
  telemetry: ['ledger', 'domain', 'config'],
  config: ['domain'],
  gen: [],
  cli: ['rpc', 'store', 'delivery', 'telemetry', 'ledger', 'domain', 'config', 'gen'],
  main: ['cli', 'rpc', 'store', 'delivery', 'telemetry', 'ledger', 'domain', 'config', 'gen'],
};

// Packages that have one home; a prefix of the path says where that is.
const homes = [
  { packages: /^lmdb(\/|$)/, home: /^(src\/store\/lmdb\.ts|bench\/)/ },
  { packages: /^@grpc\/grpc-js(\/|$)/, home: /^(src\/(rpc|cli)|test|bench|scripts|examples)\// },
  { packages: /^@connectrpc\//, home: /^(src\/(rpc|cli)|test|bench|scripts|examples)\// },
  { packages: /^decimal\.js(\/|$)/, home: /^(test|bench)\// },
  { packages: /^croner(\/|$)/, home: /^src\/ledger\/timetable\.ts$/ },
  { packages: /^@marcbachmann\/cel-js(\/|$)/, home: /^src\/ledger\/expression\.ts$/ },
  {
    packages: /^(node:)?process$/,
    home: /^(src\/(main\.ts|cli\/|config)|test|bench|scripts|deploy|\.ci)/,
  },
];

const layerOf = (file) => /^src\/([^/]+?)(\.ts$|\/)/.exec(file)?.[1];

function complaint(file, specifier) {
  for (const { packages, home } of homes) {
    if (packages.test(specifier) && !home.test(file)) {
      return `${specifier} is not for ${file}: its home is ${home.source}`;
    }
  }
  const from = layerOf(file);
  if (from === undefined) return undefined;
  const allowed = mayImport[from];
  if (allowed === undefined) return `src/${from} has no place among the layers yet`;
  if (!specifier.startsWith('.')) {
    return from === 'domain' ? `domain imports nothing but domain, not ${specifier}` : undefined;
  }
  const target = path.posix.join(path.posix.dirname(file), specifier).replace(/\.js$/, '.ts');
  const to = layerOf(target);
  if (to === undefined) return `${specifier} leaves src`;
  return to === from || allowed.includes(to) ? undefined : `${from} never imports ${to}`;
}

const layers = {
  create(context) {
    const file = path.relative(context.cwd, context.filename).split(path.sep).join('/');
    const judge = ({ source }) => {
      if (typeof source?.value !== 'string') return;
      const message = complaint(file, source.value);
      if (message !== undefined) context.report({ node: source, message });
    };
    return {
      ImportDeclaration: judge,
      ImportExpression: judge,
      ExportNamedDeclaration: judge,
      ExportAllDeclaration: judge,
    };
  },
};

const noDefaultExport = {
  selector: 'ExportDefaultDeclaration',
  message: 'Export it by its name.',
};

export default defineConfig(
  globalIgnores(['src/gen/', 'dist/', 'coverage/', '.cache/']),
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },

  js.configs.recommended,
  {
    plugins: { safeguards: { rules: { layers } } },
    rules: {
      'safeguards/layers': 'error',
      'max-lines': ['error', { max: 400 }],
      'no-console': 'error',
      'no-restricted-imports': [
        'error',
        {
          paths: builtinModules
            .filter((name) => !name.startsWith('node:'))
            .map((name) => ({ name, message: `Write node:${name}.` })),
        },
      ],
      curly: ['error', 'multi-line'],
      eqeqeq: 'error',
      'no-param-reassign': 'error',
      'object-shorthand': 'error',
      'prefer-const': 'error',
    },
  },

  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/consistent-type-exports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        // A default branch does not excuse a missing case of a closed union; an open enum of the
        // wire needs one all the same.
        { considerDefaultExhaustiveForUnions: false, requireDefaultForNonUnion: true },
      ],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', ignoreRestSiblings: true },
      ],
      'no-restricted-syntax': ['error', noDefaultExport],
    },
  },
  // A tool's configuration is exported the way the tool asks for.
  { files: ['*.config.ts'], rules: { 'no-restricted-syntax': 'off' } },
  {
    files: ['src/cli/**', 'scripts/**', 'bench/**', 'examples/**', 'deploy/**', '.ci/**'],
    rules: { 'no-console': 'off' },
  },
  {
    files: ['test/**'],
    rules: {
      // Fakes implement asynchronous ports without having anything to wait for.
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
    },
  },
  {
    files: ['**/*.{js,mjs}'],
    languageOptions: { globals: { console: 'readonly', URL: 'readonly', Buffer: 'readonly' } },
  },
);

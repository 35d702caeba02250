import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

/**
 * Who may import whom is a table in CONTRIBUTING.md, and `test/boundaries.test.ts` checks all of it. Here the edges that
 * are easiest to cross by mistake are named while one writes, with the reason.
 */
const outside = (names, message) => ({ regex: `^\\.{1,2}/(.*/)?(${names.join('|')})(/|$)`, message });
const packages = (names, message) => ({ regex: `^(${names.join('|')})(/|$)`, message });

const noUndiciGlobals = {
  name: 'undici',
  importNames: ['fetch', 'BalancedPool', 'interceptors', 'EnvHttpProxyAgent', 'setGlobalDispatcher', 'getGlobalDispatcher', 'RedirectHandler', 'RetryAgent', 'RetryHandler'],
  message: 'Use the guarded connections of wire/connections.ts: what is named here follows redirects, retries, reads proxy settings or is shared by the whole process, and so goes around the check of the address.',
};

const boundary = (files, patterns) => ({
  files,
  rules: { '@typescript-eslint/no-restricted-imports': ['error', { paths: [noUndiciGlobals], patterns }] },
});

const pure = 'Domain files are pure: workflows replay them, so they take the time, ids and luck as arguments.';
const commandsAreTransportFree = 'A command is one transaction in PostgreSQL, whoever asks for it. What speaks HTTP is in api/, what speaks to Temporal in relay/.';
const apiNeedsNoTemporal = 'The API must accept work while Temporal is away. Leave an outbox row (store/outbox); the relay does the rest.';
const storeIsBelow = 'The store knows rows and domain types alone. What decides is in commands/ or activities/.';
const wireIsBelow = 'The wire knows bytes alone. Hand in what it needs from the store.';
const replayed = 'Workflow code is replayed: it may import domain/, contract and @temporalio/workflow; activities as types only.';
const history = 'A migration never changes, so it must not depend on code that does. Import the type of Knex alone.';

export default defineConfig(
  globalIgnores(['dist/', 'node_modules/', 'coverage/', '.posthorn/']),
  {
    files: ['{src,workflows,activities,migrations,test}/**/*.{ts,tsx}'],
    extends: [tseslint.configs.recommended],
    languageOptions: { parserOptions: { project: './tsconfig.json', tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      // A forgotten await loses a delivery.
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: { arguments: false } }],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/consistent-type-imports': ['error', { disallowTypeAnnotations: false, fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/only-throw-error': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      eqeqeq: 'error',
      'no-restricted-imports': 'off',
      'no-restricted-syntax': [
        'error',
        { selector: 'ExportDefaultDeclaration', message: 'Export it by name: then it is called the same wherever it is used, and search finds it.' },
        { selector: 'ExportAllDeclaration', message: 'Name what is exported. In workflows/index.ts every export becomes a workflow.' },
        { selector: 'TSEnumDeclaration', message: 'Use a union of string literals, or a const list and the type of its members.' },
      ],
    },
  },
  {
    files: ['{src,workflows,activities,migrations}/**/*.ts'],
    rules: {
      'no-restricted-globals': [
        'error',
        { name: 'fetch', message: 'Outgoing requests go through wire/post, which checks the address that is really dialled.' },
      ],
      'no-console': 'error',
    },
  },
  {
    // The page of the console runs in browsers: it has types of its own, and its only way out is the API.
    files: ['src/console/page/**/*.{ts,tsx}'],
    languageOptions: { parserOptions: { project: './src/console/page/tsconfig.json', tsconfigRootDir: import.meta.dirname } },
    rules: {
      'no-restricted-globals': 'off',
      '@typescript-eslint/no-restricted-imports': ['error', { patterns: [
        { regex: '^\\.\\./', message: 'The page knows the API and nothing of our code.' },
        { regex: '^(?!preact|uplot|\\.)', message: 'The page has preact and uplot, and nothing else.' },
      ] }],
      'no-restricted-properties': ['error',
        ...['innerHTML', 'outerHTML', 'insertAdjacentHTML'].map((property) => ({ property, message: 'What is shown is text: no data becomes markup.' }))],
    },
  },
  boundary(['src/domain/**/*.ts'], [
    { regex: '^[^.]', message: pure },
    { regex: '^\\.\\./', message: pure },
  ]),
  {
    files: ['src/domain/**/*.ts'],
    rules: {
      'no-restricted-properties': ['error', { object: 'Date', property: 'now', message: pure }, { object: 'Math', property: 'random', message: pure }],
      'no-restricted-globals': ['error', ...['process', 'Buffer', 'fetch', 'setTimeout', 'crypto'].map((name) => ({ name, message: pure }))],
    },
  },
  boundary(['workflows/**/*.ts'], [
    outside(['store', 'wire', 'commands', 'api', 'relay', 'embedded', 'cli', 'config', 'deps', 'errors', 'log'], replayed),
    packages(['node:.*', 'pg', 'knex', 'koa', 'zod', 'undici', 'pino', '@temporalio/(client|worker|activity)'], replayed),
    { ...outside(['activities'], 'Import activities as types: `import type`. Their code must not be in the bundle.'), allowTypeImports: true },
  ]),
  boundary(['src/wire/**/*.ts'], [
    outside(['store', 'commands', 'api', 'relay', 'cli', 'embedded', 'workflows', 'activities'], wireIsBelow),
    packages(['pg', 'knex', 'koa', 'zod', '@temporalio'], wireIsBelow),
  ]),
  boundary(['src/store/**/*.ts'], [
    outside(['commands', 'api', 'wire', 'relay', 'cli', 'embedded', 'workflows', 'activities'], storeIsBelow),
    packages(['koa', 'zod', 'undici', '@temporalio'], storeIsBelow),
  ]),
  boundary(['src/commands/**/*.ts'], [
    outside(['api', 'relay', 'cli', 'embedded', 'activities'], commandsAreTransportFree),
    packages(['koa', '@koa', 'zod', 'undici', '@temporalio'], commandsAreTransportFree),
  ]),
  boundary(['src/api/**/*.ts'], [
    outside(['relay', 'cli', 'activities'], apiNeedsNoTemporal),
    packages(['@temporalio'], apiNeedsNoTemporal),
    packages(['pg', 'knex', 'undici'], 'SQL is in store/, requests are in wire/.'),
  ]),
  boundary(['activities/**/*.ts'], [
    outside(['api', 'cli', 'relay', 'embedded'], 'Activities act for workflows: what they need is handed to createActivities().'),
    packages(['koa', 'zod', '@temporalio/(client|worker)'], 'Activities act for workflows: what they need is handed to createActivities().'),
  ]),
  {
    files: ['migrations/**/*.ts'],
    rules: { '@typescript-eslint/no-restricted-imports': ['error', { patterns: [{ regex: '.*', message: history, allowTypeImports: true }] }] },
  },
  {
    // Jest looks for the default exports of these two.
    files: ['test/global-*.ts'],
    rules: { 'no-restricted-syntax': 'off' },
  },
);

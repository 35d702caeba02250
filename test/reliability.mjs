/** `npm run reliability`: writes RELIABILITY.md from `test/promises.json` and from what the last runs of the tests have shown. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../src/prepare.mjs';
import { readEvidence } from './evidence.mjs';

const { promises } = JSON.parse(readFileSync(join(root, 'test', 'promises.json'), 'utf8'));
const PARTS = [
  ['I', 'Invariants', 'A checker, itself tested with wrong logs, proves them from what clients were acknowledged, what receivers saw and what the database holds.'],
  ['F', 'Faults of our own parts', 'Processes, PostgreSQL, Temporal and the network between them are killed, stopped, cut off and worn out.'],
  ['E', 'What receivers do', 'Raw sockets answer as no receiver should.'],
  ['S', 'Security', 'Requests that must not be made, secrets that must not be seen, input that must not be taken.'],
];
const TIERS = { P: 'each change', N: 'long', W: 'long, `--long`' };

/** A title as it stands in the source, as an expression for what it became: `%s`, `%p` and `${…}` may be anything. */
const matcher = (title) => new RegExp(`^${title.split(/%[a-zA-Z#%]|\$\{[^}]*\}/).map((part) => part.replace(/\\(['"`])/g, '$1').replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('.*')}$`, 's');

function shown(text) {
  const end = text.indexOf(': ');
  const file = text.slice(0, end);
  const [title, beginning = ''] = text.slice(end + 2).split(' » ');
  const evidence = readEvidence(file);
  const found = evidence?.tests.filter((test) => matcher(title).test(test.title) && `${test.title} `.startsWith(beginning && `${beginning} `)) ?? [];
  const passed = found.filter(({ status }) => status === 'passed').length;
  const verdict = found.length === 0 ? 'not run' : `${passed === found.length ? 'passed' : '**failed**'}${found.length > 1 ? ` (${passed} of ${found.length})` : ''}, ${evidence.at.slice(0, 10)}`;
  const figures = found.flatMap((test) => test.figures).map(([name, value]) => `${name} ${value}`).join(', ');
  return { test: `[${file.replace(/^test\//, '')}](${file}): ${title.replaceAll('|', '\\|')}`, verdict, figures };
}

const line = ([id, tier, promise, tests]) => {
  const all = tests.map(shown);
  const list = all.map(({ test, verdict, figures }) => `${test}: ${verdict}${figures ? ` (${figures})` : ''}`).join('<br>');
  return `| ${id} | ${promise} | ${TIERS[tier]} | ${list} |`;
};

const parts = PARTS.map(([letter, title, text]) => {
  const rows = promises.filter(([id]) => id.startsWith(letter));
  return rows.length === 0 ? '' : `## ${title}\n\n${text}\n\n| | promise | shown | by, and what the last run showed |\n|---|---|---|---|\n${rows.map(line).join('\n')}\n`;
});

writeFileSync(join(root, 'RELIABILITY.md'), `# Reliability

What Posthorn promises, the tests that each promise rests on, and what they showed when they last ran. \`npm run reliability\` writes this
page from \`test/promises.json\` and from the last runs of \`npm test\` (what each change must pass) and \`npm run test:chaos\` (the long
tier; with \`-- --long\` all of it).

${parts.filter(Boolean).join('\n')}`);

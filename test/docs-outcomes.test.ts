import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { OUTCOMES, UNREACHABLE } from '../src/domain/attempt';
import { makeBadTls } from './support/bad-tls';
import { BEHAVIOURS } from './support/hostile-receiver';

const text = readFileSync(join(__dirname, '..', 'docs', 'outcomes.md'), 'utf8');
const errors = [...text.matchAll(/`([A-Z][A-Z0-9_]+)(…?)`/g)].map(([, name = '', more]) => ({ name, isPrefix: more === '…' }));

test('docs/outcomes.md says of every outcome what to do, and which of them open the breaker; its links are whole', () => {
  const rows = [...text.matchAll(/^\| `(\w+)` \| .+ \| .+ \|$/gm)].map(([, name]) => name);
  expect(rows).toEqual([...OUTCOMES]);
  const sentence = /\. (`timeout`[^.]*)\scount as not reached/.exec(text)?.[1] ?? '';
  expect([...sentence.matchAll(/`(\w+)`/g)].map(([, name]) => name).sort()).toEqual([...UNREACHABLE].sort());
  for (const [, target = ''] of text.matchAll(/\]\((?!https?:|#)([^)#]+)/g)) expect(() => readFileSync(join(__dirname, '..', 'docs', target))).not.toThrow();
});

test('it names every error that bad TLS and hostile receivers are known to come to', () => {
  const bad = makeBadTls();
  bad.remove();
  const named = ({ error }: { readonly error?: RegExp }): boolean => error === undefined || errors.some(({ name, isPrefix }) => error.test(name) || (isPrefix && error.source.includes(name)));
  const fixed = Object.entries(BEHAVIOURS).filter(([, { outcome, error }]) => outcome === 'protocol_error' && /^\^[A-Z_]+\$$/.test(error?.source ?? ''));
  expect(bad.servers.filter((server) => !named(server)).map(({ what }) => what)).toEqual([]);
  expect(fixed.filter(([, behaviour]) => !named(behaviour)).map(([name]) => name)).toEqual([]);
  expect(fixed.length).toBeGreaterThan(0);
});

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/** What a process of its own is to post, through the real poster. */
export interface Plan {
  /** Called in turn; a name that ends in ".test" is 127.0.0.1. */
  readonly urls: readonly string[];
  /** Those of them that get a second instead of `timeoutMs`. */
  readonly lasting?: readonly string[];
  readonly tries: number;
  /** Posts that are under way at the same time. */
  readonly atOnce: number;
  /** Tries between two looks at the heap. */
  readonly markEvery: number;
  readonly timeoutMs: number;
  readonly connectTimeoutMs: number;
}

/** What came of it. */
export interface Report {
  /** By URL: how often which outcome, status code and error came. */
  readonly came: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** What was in use of the heap and beside it after a forced collection, in bytes. */
  readonly heapMarks: readonly number[];
  /** After the poster was closed. */
  readonly socketsLeft: number;
  readonly resourcesLeft: readonly string[];
}

/** Posts as planned, by a process that trusts the authority of `caFile` besides the usual ones. */
export async function postMany(plan: Plan, caFile?: string): Promise<Report> {
  const child = fork(join(__dirname, 'post-many.ts'), {
    execArgv: ['--expose-gc', '--require', join(__dirname, 'typescript.cjs')],
    env: { ...process.env, JEST_WORKER_ID: undefined, ...(caFile !== undefined && { NODE_EXTRA_CA_CERTS: caFile }) },
  });
  child.send(plan);
  const [report] = (await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(([code, signal]) => {
      throw new Error(`The process that posts ended early (${code ?? signal})`);
    }),
  ])) as [Report];
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return report;
}

import { DEADLINE_MS, createEvaluator, type Evaluation, type Evaluator, type Question } from './evaluator';
import { MAX_EXPRESSION, type Transformed, type TransformFault } from '../domain/transform';
import { Turns, type Owner } from './turns';

/** Evaluates the expressions of endpoints, bounded in time and memory, each workspace and endpoint in its turn. */
export interface Transformer {
  /** Makes a body. Never rejects. */
  transform(of: Owner, expression: string, input: string): Promise<Transformed>;
  /** What is wrong with an expression as it is written; null: nothing. Never rejects. */
  check(of: Owner, expression: string): Promise<TransformFault | null>;
  close(): void;
}

/** Processes that evaluate, and how long what waits for one waits at most. */
const EVALUATORS = 2;
const MOST_WAIT_MS = 1_000;
/** An expression that had to be stopped is not tried again for so long, by this process. */
const REST_MS = 10_000;
/** Keys whose expressions rest. */
const MOST_RESTING = 10_000;

interface Job extends Owner {
  readonly question: Question;
  readonly settle: (transformed: Transformed) => void;
  readonly timer: NodeJS.Timeout;
}

interface Resting {
  readonly expression: string;
  readonly until: number;
  readonly why: string;
}

/** A transformer of this process. Where nothing is transformed it costs nothing: its processes are started when they are needed. */
export function createTransformer(create: () => Evaluator = createEvaluator): Transformer {
  const free: Evaluator[] = Array.from({ length: EVALUATORS }, create);
  const all = [...free];
  const waiting = new Turns<Job>();
  const running = new Set<Job>();
  const resting = new Map<string, Resting>();

  function next(): void {
    for (;;) {
      const [evaluator] = free;
      const job = evaluator && waiting.next(running);
      if (!job) return;
      free.shift();
      void run(evaluator, job);
    }
  }

  async function run(evaluator: Evaluator, job: Job): Promise<void> {
    const { key, question, settle, timer } = job;
    clearTimeout(timer);
    running.add(job);
    const rest = restOf(key, question.expression);
    const transformed = rest ?? (await evaluator.evaluate(question).then((evaluation) => read(key, question, evaluation), unavailable));
    running.delete(job);
    free.push(evaluator);
    settle(transformed);
    next();
  }

  function read(key: string, { expression }: Question, evaluation: Evaluation): Transformed {
    if ('output' in evaluation) return { body: evaluation.output };
    if ('fault' in evaluation) return { fault: evaluation.fault.message, position: evaluation.fault.position };
    const why = evaluation.killed === 'time' ? `it took longer than ${DEADLINE_MS} ms and was stopped` : 'it took more memory than it may and was stopped';
    const [oldest] = resting.keys();
    if (resting.size >= MOST_RESTING && oldest !== undefined) resting.delete(oldest);
    resting.set(key, { expression, until: performance.now() + REST_MS, why });
    return fault(why);
  }

  function restOf(key: string, expression: string): TransformFault | null {
    const rest = resting.get(key);
    if (!rest) return null;
    if (rest.expression === expression && performance.now() < rest.until) return fault(`${rest.why}; it is not tried again for ${REST_MS / 1_000} s`);
    resting.delete(key);
    return null;
  }

  function ask({ workspaceId, key }: Owner, question: Question): Promise<Transformed> {
    if (question.expression.length > MAX_EXPRESSION) return Promise.resolve(fault(`it has more than ${MAX_EXPRESSION} characters`));
    const rest = restOf(key, question.expression);
    if (rest) return Promise.resolve(rest);
    return new Promise((settle) => {
      const timer = setTimeout(() => {
        waiting.remove(job);
        settle(ours(`it waited for ${MOST_WAIT_MS} ms: too much is being transformed`));
      }, MOST_WAIT_MS);
      const job: Job = { workspaceId, key, question, settle, timer };
      waiting.add(job);
      next();
    });
  }

  return {
    transform: (of, expression, input) => ask(of, { expression, input }),
    async check(of, expression) {
      const read = await ask(of, { expression });
      return 'fault' in read ? read : null;
    },
    close: () => all.forEach((evaluator) => evaluator.close()),
  };
}

const fault = (message: string): TransformFault => ({ fault: message, position: null });
const ours = (message: string): TransformFault => ({ ...fault(message), isOurs: true });
const unavailable = (error: unknown): TransformFault => ours(error instanceof Error ? error.message : String(error));

/** A fault in one line, as an attempt keeps it. */
export const describeFault = ({ fault: message, position }: TransformFault): string =>
  `transform: ${message}${position === null ? '' : ` (at character ${position})`}`;

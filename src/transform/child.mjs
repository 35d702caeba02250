/**
 * Evaluates expressions that strangers wrote, one at a time, in a process of its own: what goes wrong in it (memory, an
 * endless loop) ends it and nothing else. Plain JavaScript, so that it runs as it is from the sources and from the build.
 * Asked `{ id, expression, input }`, both texts, it answers `{ id, output }` or `{ id, fault }`; without input it only reads the
 * expression. It keeps nothing from one evaluation to the next but what it has read.
 */
import { createRequire } from 'node:module';

const jsonata = createRequire(import.meta.url)('jsonata');

/** Most bytes of a result. */
const MOST_BYTES = 256 * 1024;
/** Expressions that are kept ready. */
const KEPT = 200;
/** What would answer otherwise the next time, or reads an expression from the data. */
const FORBIDDEN = { now: 'the time', millis: 'the time', random: 'chance', shuffle: 'chance', eval: 'text that is not checked' };

const { process, Buffer } = globalThis;
const { stringify, parse } = JSON;
const send = process.send.bind(process);
const kept = new Map();

/** What is wrong, in words, and where in the expression (characters from 0), if that is known. */
class Fault extends Error {
  constructor(message, position) {
    super(message);
    this.position = position;
  }
}

function read(expression) {
  const known = kept.get(expression);
  if (known) return known;
  const compiled = jsonata(expression);
  refuseForbidden(compiled.ast());
  for (const name of Object.keys(FORBIDDEN)) compiled.assign(name, undefined);
  kept.set(expression, compiled);
  if (kept.size > KEPT) kept.delete(kept.keys().next().value);
  return compiled;
}

function refuseForbidden(ast) {
  const open = [ast];
  while (open.length > 0) {
    const node = open.pop();
    if (typeof node !== 'object' || node === null) continue;
    if (node.type === 'variable' && Object.hasOwn(FORBIDDEN, node.value)) {
      throw new Fault(`$${node.value} can not be used: it depends on ${FORBIDDEN[node.value]}`, node.position);
    }
    open.push(...Object.values(node));
  }
}

async function evaluate(expression, input) {
  const result = await read(expression).evaluate(parse(input), {});
  if (result === undefined) throw new Fault('it has no result: what it asks for is not there');
  if (result === null) throw new Fault('its result is null');
  const output = stringify(result, (key, value) => {
    if (typeof value === 'function' || value?._jsonata_lambda || value?._jsonata_function) throw new Fault(`its result holds a function${key === '' ? '' : ` at ${key}`}`);
    return value;
  });
  if (output === undefined) throw new Fault('its result is no JSON');
  if (Buffer.byteLength(output) > MOST_BYTES) throw new Fault(`its result is larger than ${MOST_BYTES} bytes`);
  return output;
}

function faultOf(error) {
  const message = error instanceof RangeError ? 'it calls itself too deeply' : String(error?.message ?? 'it can not be evaluated');
  return { message: message.slice(0, 300), position: Number.isInteger(error?.position) ? error.position : null };
}

async function answer({ id, expression, input }) {
  try {
    send({ id, output: input === undefined ? (read(expression), '') : await evaluate(expression, input) });
  } catch (error) {
    send({ id, fault: faultOf(error) });
  }
}

process.on('message', (asked) => void answer(asked));
process.on('disconnect', () => process.exit(0));

// Nothing of the process is within reach of an expression, and nothing that one evaluation does is there for the next.
const INTRINSICS = [
  Object, Function, Array, String, Number, Boolean, Symbol, BigInt, Date, RegExp, Map, Set, WeakMap, WeakSet, Promise, Error, RangeError, TypeError,
  SyntaxError, ReferenceError, EvalError, URIError, ArrayBuffer, Uint8Array, JSON, Math, Reflect, Intl,
];
for (const name of ['process', 'fetch', 'WebSocket', 'EventSource', 'navigator', 'WebAssembly', 'Buffer']) delete globalThis[name];
for (const one of INTRINSICS) {
  if (one.prototype) Object.freeze(one.prototype);
  Object.freeze(one);
}
for (const one of [[][Symbol.iterator](), ''[Symbol.iterator](), new Map().entries(), new Set().values(), (function* () {})(), (async function* () {})(), async () => {}]) {
  for (let proto = Object.getPrototypeOf(one); proto && !Object.isFrozen(proto); proto = Object.getPrototypeOf(proto)) Object.freeze(proto);
}
send('ready');

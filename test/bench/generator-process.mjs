/** The generator: posts numbered bodies, made beforehand, and keeps when each left and when its answer came. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { Pool } from 'undici';
import { answerCalls } from './child.mjs';
import { bodiesOf } from './bodies.mjs';
import { nowMs, pause } from './clock.mjs';

const TIMEOUT_MS = 60_000;
/** How long a patient post is repeated, and how soon. */
const PATIENCE_MS = 60_000;
const AGAIN_MS = 20;

answerCalls({ closedLoop, openLoop });

/** Each connection posts its next when its last is answered: as fast as the other side takes them. `isPatient`: see {@link patiently}. */
async function closedLoop({ url, headers, connections, bodies, isPatient = false }) {
  const { pool, path, texts, results } = open({ url, connections, bodies });
  const send = isPatient ? patiently : post;
  let next = 0;
  const lane = async () => {
    while (next < texts.length) {
      const n = next;
      next += 1;
      results[n] = { sentAt: nowMs(), ...(await send(pool, path, headers, texts[n])) };
    }
  };
  await Promise.all(Array.from({ length: connections }, lane));
  await pool.close();
  return results;
}

/** Posts at a fixed rate, whatever the other side does: `dueAt` is when each should have left. */
async function openLoop({ url, headers, connections, bodies, ratePerSecond }) {
  const { pool, path, texts, results } = open({ url, connections, bodies });
  const everyMs = 1_000 / ratePerSecond;
  const firstAtMs = nowMs() + 200;
  const posts = [];
  const ticker = new Worker(new URL('./ticker.mjs', import.meta.url), { workerData: { firstAtMs, everyMs, count: texts.length } });
  ticker.on('message', (n) => {
    const sentAt = nowMs();
    posts.push(post(pool, path, headers, texts[n]).then((answer) => {
      results[n] = { dueAt: firstAtMs + n * everyMs, sentAt, ...answer };
    }));
  });
  await once(ticker, 'exit');
  await Promise.all(posts);
  await pool.close();
  return results;
}

function open({ url, connections, bodies }) {
  const { origin, pathname } = new URL(url);
  const texts = bodiesOf(bodies);
  return { pool: new Pool(origin, { connections, pipelining: 1 }), path: pathname, texts, results: new Array(texts.length) };
}

/** Posts until the other side has answered, as a caller does whose event must not be lost. */
async function patiently(pool, path, headers, body) {
  const deadline = nowMs() + PATIENCE_MS;
  for (let tries = 1; ; tries += 1) {
    const answer = await post(pool, path, headers, body);
    if ((answer.status > 0 && answer.status < 500) || nowMs() > deadline) return { ...answer, tries };
    await pause(AGAIN_MS);
  }
}

/** Never rejects: what went wrong is a result too. `dispatch` costs the generator a third less than `request`. */
function post(pool, path, headers, body) {
  return new Promise((resolve) => {
    let status = 0;
    const chunks = [];
    const options = { method: 'POST', path, headers, body, headersTimeout: TIMEOUT_MS, bodyTimeout: TIMEOUT_MS };
    pool.dispatch(options, {
      onRequestStart() {},
      onResponseStart(_controller, statusCode) {
        status = statusCode;
      },
      onResponseData(_controller, chunk) {
        chunks.push(chunk);
      },
      onResponseEnd() {
        const ackedAt = nowMs();
        resolve({ ackedAt, status, text: chunks.length === 1 ? chunks[0].toString() : Buffer.concat(chunks).toString() });
      },
      onResponseError(_controller, error) {
        resolve({ ackedAt: nowMs(), status, text: '', error: error.message });
      },
    });
  });
}

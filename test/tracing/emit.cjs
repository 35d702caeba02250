/**
 * Emits spans as a process does, and prints what it was told: `node emit.cjs <collector's base address> <share> <spans>`. Apart
 * from the tests, since the exporter imports what it needs when it first sends, which jest's own modules can't do.
 */
const { join } = require('node:path');
const { createOtlpTracing } = require(join(__dirname, '..', '..', 'dist', 'src', 'tracing', 'otlp.js'));

const [, , url, share, spans] = process.argv;
const faults = [];
const tracing = createOtlpTracing({ url: `${url}/v1/traces`, headers: {}, serviceName: 'test', share: Number(share), process: 'worker', onFault: (fault) => faults.push(fault) });
const begin = (name, parent) => tracing.begin({ name, kind: 'client', parent, attributes: { 'posthorn.event.id': 'evt_1' } });

const own = begin('own');
const child = begin('child', own.traceparent);
const asked = begin('asked', `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01`);
for (const span of [child, own, asked]) span.end({}, 'timeout');
for (let n = 0; n < Number(spans); n += 1) begin('many').end();
const before = performance.now();
tracing.close().then(() => process.stdout.write(JSON.stringify({ faults, own: own.traceparent, child: child.traceparent, closedInMs: performance.now() - before })));

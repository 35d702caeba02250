/**
 * Runs one server and ends it when standard input closes, which the kernel does however the supervisor ends.
 * Plain JavaScript, since it runs as a process of its own from the sources as well as from the build.
 *
 *   node guard.mjs '{"command","args","stopSignal","graceMs","pidFile","uid","gid","cwd","env"}'
 */
import { spawn } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';

const { command, args, stopSignal, graceMs, pidFile, ...options } = JSON.parse(process.argv[2]);
// What a server writes is nobody else's business.
process.umask(0o077);
const server = spawn(command, args, { ...options, stdio: ['ignore', 'inherit', 'inherit'] });
if (pidFile && server.pid) writeFileSync(pidFile, `${server.pid}\n`);

let stopping = false;
function stop() {
  if (stopping) return;
  stopping = true;
  server.kill(stopSignal);
  setTimeout(() => server.kill('SIGKILL'), graceMs).unref();
}

// The terminal's signals are for the supervisor, which stops its servers in order.
for (const signal of ['SIGINT', 'SIGHUP', 'SIGQUIT']) process.on(signal, () => undefined);
process.on('SIGTERM', stop);
process.stdin.on('end', stop).on('error', stop).resume();
server.on('error', (error) => {
  console.error(`${command}: ${error.message}`);
  process.exit(127);
});
server.on('exit', (code) => {
  if (pidFile) rmSync(pidFile, { force: true });
  process.exit(stopping ? 0 : (code ?? 1));
});

/** A terminal's Ctrl-C, which npm repeats: signals within this time are one. */
const ONE_SIGNAL_MS = 2_000;

/** The wish to stop: `asked` rejects at the first signal, and so does `check` from then on. A later signal ends the bench at once. */
export function listen(say) {
  let since = null;
  let reject;
  const asked = new Promise((_, no) => {
    reject = no;
  });
  asked.catch(() => undefined);
  const stopped = () => new Error('Stopped');
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      if (since !== null && performance.now() - since > ONE_SIGNAL_MS) process.exit(130);
      if (since === null) say('Stopping');
      since ??= performance.now();
      reject(stopped());
    });
  }
  return {
    asked,
    isAsked: () => since !== null,
    check() {
      if (since !== null) throw stopped();
    },
  };
}

/** Where the wish to stop comes from: the process, or a stand-in for it in tests. */
export interface StopSource {
  /** Whether there is a channel to a parent process. */
  readonly connected?: boolean | undefined;
  on(event: 'SIGTERM' | 'SIGINT' | 'disconnect', listener: () => void): unknown;
}

/** Whether a supervisor started this process: there is a channel to it, or it says so. */
export const isSupervised = (source: StopSource, env: Readonly<Record<string, string | undefined>>): boolean =>
  source.connected === true || env['POSTHORN_SUPERVISED'] === '1';

/**
 * Listens from now on, and returns when the process is asked to stop: by SIGTERM, by SIGINT where it runs alone, or
 * when the supervisor that started it is gone. A terminal sends SIGINT to the supervisor's whole process group, and the
 * supervisor stops its parts in order: so they do not obey it themselves.
 */
export function untilStopped(source: StopSource, env: Readonly<Record<string, string | undefined>>): Promise<void> {
  const obeysSigint = !isSupervised(source, env);
  return new Promise((resolve) => {
    source.on('SIGTERM', resolve);
    source.on('SIGINT', () => {
      if (obeysSigint) resolve();
    });
    source.on('disconnect', resolve);
  });
}

/**
 * How Node.js is to be started for the API and the worker. Most of what they allocate is dead within a millisecond, but the
 * usual nursery of 16 MiB is full several times a second, and what is alive just then is copied: a larger one is emptied
 * less often. It costs up to 50 MiB a process.
 */
export const NODE_FLAGS = ['--max-semi-space-size=32'] as const;

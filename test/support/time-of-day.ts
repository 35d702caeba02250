/** All but the time of day. */
const TIMERS = ['hrtime', 'nextTick', 'performance', 'queueMicrotask', 'setImmediate', 'clearImmediate', 'setInterval', 'clearInterval', 'setTimeout', 'clearTimeout'] as const;

/** From now on the process goes on, and no second passes for what is counted by the second; until `jest.useRealTimers()`. */
export const stopTimeOfDay = (): void => void jest.useFakeTimers({ doNotFake: [...TIMERS] });

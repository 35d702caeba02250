/** Whole seconds since 1970. */
export const toSeconds = (at: Date): number => Math.floor(at.getTime() / 1000);

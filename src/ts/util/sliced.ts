import { setImmediate } from 'node:timers/promises';

/** Work on the processor that may be stopped at each `yield` and gone on with later. Runs by {@link atOnce} or {@link inSlices}. */
export type Sliced<T> = Generator<void, T, void>;

/** How long a slice holds up the event loop, ms: small beside the 50 ms at which a service feels slow, large beside a turn of the loop. */
const SLICE_MS = 8;

/** Does all of the work without a pause. */
export function atOnce<T>(work: Sliced<T>): T {
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
  }
}

/** Does the work in slices of some 8 ms, between which the event loop turns: pictures of many megapixels take seconds. */
export async function inSlices<T>(work: Sliced<T>): Promise<T> {
  for (let until = performance.now() + SLICE_MS; ; ) {
    const { done, value } = work.next();
    if (done) return value;
    if (performance.now() < until) continue;
    await setImmediate();
    until = performance.now() + SLICE_MS;
  }
}

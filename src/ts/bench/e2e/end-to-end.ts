import { existsSync } from 'node:fs';
import type { AdapterDescription } from '../../gpu/device.js';
import type { AdapterChoice } from '../../gpu/find-adapter.js';
import type { WeightFormat } from '../../graph/quantize.js';
import type { ActivationDType } from '../../graph/types.js';
import type { DeviceCaps } from '../../ops/types.js';
import { Unclip } from '../../pipelines/unclip.js';
import type { EndToEnd } from '../schema.js';
import { verdicts } from './bars.js';
import { builtCli, coldProcessMs, DEMO_PROMPT } from './cold-process.js';
import { memoryOverPictures } from './memory.js';
import { distinctStateBytes, networkRows } from './network-rows.js';
import { profileRuns } from './profile-run.js';

export interface EndToEndOptions {
  /** Model folder, and what the report calls it. */
  readonly model: string;
  readonly name: string;
  readonly batch: number;
  readonly dtype: 'auto' | ActivationDType;
  readonly weights: WeightFormat;
  /** Kernel variants by name; `default` leaves the choice to the engine. */
  readonly variants: string;
  /** Drawn in a row to see whether memory grows; 0 for none. */
  readonly pictures: number;
  /** Profiled drawings. */
  readonly runs: number;
  /** Whether to start cold processes as well. */
  readonly cold: boolean;
  readonly adapter: AdapterChoice;
  readonly tuning: 'cached' | 'off';
  readonly signal?: AbortSignal;
  /** Told what is being measured next. */
  readonly note: (text: string) => void;
}

export interface EndToEndResult {
  readonly adapter: AdapterDescription;
  readonly caps: DeviceCaps;
  readonly e2e: EndToEnd;
}

/** Draws the demo's prompt on a model and measures time, work and memory of every stage. @throws UnclipError as Unclip.load */
export async function measureEndToEnd(o: EndToEndOptions): Promise<EndToEndResult> {
  const { signal } = o;
  if (o.cold) o.note('cold processes');
  const coldProcess = await measureColdProcess(o);
  o.note('load and first picture');
  const request = { prompt: DEMO_PROMPT, n: o.batch, seed: 1, signal };
  const start = performance.now();
  const unclip = await Unclip.load(o.model, {
    dtype: o.dtype,
    weights: o.weights,
    adapter: o.adapter,
    tuning: o.tuning,
    batchSize: o.batch,
    variants: o.variants === 'default' ? undefined : o.variants,
  });
  const openMs = performance.now() - start;
  try {
    const first = performance.now();
    const { images, timings } = await unclip.generate(request);
    const prepareMs = timings.find((t) => t.stage === 'load')!.ms;
    const firstMs = performance.now() - first - prepareMs;
    o.note('profile');
    const { programs, ...profile } = await profileRuns(unclip, request, o.runs);
    const memory =
      o.pictures === 0
        ? undefined
        : await memoryOverPictures(unclip, request, o.pictures, (n) => o.note(`memory, picture ${n} of ${o.pictures}`));
    const { steps, guidance } = images[0]!.parameters;
    const result: Omit<EndToEnd, 'verdicts'> = {
      setting: {
        model: o.name,
        modelHash: unclip.model.hash,
        dtype: unclip.dtype,
        weights: unclip.weights,
        variants: o.variants,
        batch: o.batch,
        steps: { ...steps },
        guidance: { ...guidance },
      },
      load: { openMs, prepareMs, readyMs: openMs + prepareMs },
      firstMs,
      ...profile,
      networks: networkRows(programs),
      bytes: {
        arena: unclip.runtime.arena.bytes,
        weights: unclip.runtime.residency.bytes,
        state: distinctStateBytes(programs),
        peakRss: process.resourceUsage().maxRSS * 1024,
      },
      memory,
      coldProcess,
    };
    const { caps } = unclip.runtime.device;
    return { adapter: unclip.adapter, caps, e2e: { ...result, verdicts: verdicts(result) } };
  } finally {
    await unclip.dispose();
  }
}

/** With the driver's cache empty, then with it filled: the second run fills it, the third finds it so. */
async function measureColdProcess(o: EndToEndOptions): Promise<EndToEnd['coldProcess']> {
  if (!o.cold) return { reason: '--cold no' };
  if (!existsSync(builtCli())) return { reason: 'dist/cli/main.js is not there' };
  if (o.variants !== 'default') return { reason: 'the command line takes no variants' };
  const run = (emptyCache: boolean): Promise<number> => coldProcessMs({ ...o, emptyCache });
  try {
    const emptyCacheMs = await run(true);
    await run(false);
    return { ms: await run(false), emptyCacheMs };
  } catch (error) {
    if (o.signal?.aborted) throw o.signal.reason;
    return { reason: (error as Error).message };
  }
}

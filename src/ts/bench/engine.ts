import { loadavg } from 'node:os';
import { useTuning } from '../pipelines/tuning.js';
import { KernelTimer } from '../runtime/kernel-timer.js';
import { Runtime, type RuntimeOptions } from '../runtime/runtime.js';
import { describeMachine } from './machine.js';
import { type Report, SCHEMA } from './schema.js';

/** An open adapter and the report about it that measurements fill. */
export interface BenchEngine {
  readonly runtime: Runtime;
  readonly timer: KernelTimer;
  readonly report: Report;
}

/**
 * Opens an adapter to measure on.
 * @param tuned whether kernels are chosen by what was measured on this adapter before, as `generate` does
 * @throws UnclipError GPU_NO_ADAPTER
 */
export async function openEngine(options: RuntimeOptions, tuned: boolean): Promise<BenchEngine> {
  const loadAverage = loadavg()[0]!;
  const runtime = await Runtime.open(options);
  if (tuned) useTuning(runtime);
  const { adapter, caps } = runtime.device;
  const machine = describeMachine(adapter, caps, loadAverage);
  return { runtime, timer: new KernelTimer(runtime), report: { schema: SCHEMA, machine, interrupted: false } };
}

/** Frees the device after the work in flight. */
export async function closeEngine({ runtime, timer }: BenchEngine): Promise<void> {
  timer.destroy();
  await runtime.close();
}

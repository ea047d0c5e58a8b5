import { loadavg } from 'node:os';
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

/** Opens an adapter to measure on. @throws UnclipError GPU_NO_ADAPTER */
export async function openEngine(options: RuntimeOptions): Promise<BenchEngine> {
  const loadAverage = loadavg()[0]!;
  const runtime = await Runtime.open(options);
  const { adapter, caps } = runtime.device;
  const machine = describeMachine(adapter, caps, loadAverage);
  return { runtime, timer: new KernelTimer(runtime), report: { schema: SCHEMA, machine, interrupted: false } };
}

/** Frees the device after the work in flight. */
export async function closeEngine({ runtime, timer }: BenchEngine): Promise<void> {
  timer.destroy();
  await runtime.close();
}

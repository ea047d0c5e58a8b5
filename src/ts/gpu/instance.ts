import type { ErrorCode } from '../util/errors.js';
import { UnclipError } from '../util/errors.js';
import { fallBackToPrivateDriver, prepareDriverEnvironment } from './driver-env.js';

/**
 * Dawn toggles: subgroup matrices and friends are behind allow_unsafe_apis; NVIDIA's f16 is off by default; timestamps are
 * otherwise rounded to 65.5 µs. Robustness stays on unless a benchmark turns it off: kernels are ours, but sizes are users'.
 */
const ENABLED = ['allow_unsafe_apis', 'vulkan_enable_f16_on_nvidia'];
const DISABLED = ['timestamp_quantization'];

/** By backend and name. What `create` returned must stay referenced: once collected, its promises never settle. */
const instances = new Map<string, GPU>();

export interface InstanceOptions {
  /** `null` validates shaders and pipelines without any driver and runs nothing. */
  readonly backend?: 'vulkan' | 'metal' | 'd3d12' | 'null';
  /** A part of the name of the only adapters that are given. */
  readonly adapterName?: string;
}

/** Dawn's entry point, opened once per process, backend and name, with the driver environment prepared first. */
export async function gpuInstance(options: InstanceOptions = {}): Promise<GPU> {
  const key = `${options.backend}/${options.adapterName}`;
  const known = instances.get(key);
  if (known !== undefined) return known;
  if (options.backend !== 'null') prepareDriverEnvironment();
  const dawn = await import('webgpu');
  Object.assign(globalThis, dawn.globals);
  const flags = [`enable-dawn-features=${ENABLED.join(',')}`, `disable-dawn-features=${DISABLED.join(',')}`];
  if (options.backend !== undefined) flags.push(`backend=${options.backend}`);
  if (options.adapterName !== undefined) flags.push(`adapter=${options.adapterName}`);
  const created = dawn.create(flags) as GPU;
  instances.set(key, created);
  return created;
}

/**
 * Asks Dawn with the system's drivers; where nothing comes of it and a private driver was fetched, once more with that one beside them.
 * @param ask gets its instances anew each time
 */
export async function askDrivers<T>(ask: () => Promise<T>, isNothing: (found: T) => boolean): Promise<T> {
  const found = await ask();
  if (!isNothing(found) || fallBackToPrivateDriver() === undefined) return found;
  instances.clear();
  return ask();
}

/** Wraps a failure of Dawn's in a coded error. */
export function gpuError(code: ErrorCode, what: string, cause: unknown): UnclipError {
  // GPUError is no Error: it has a message and nothing else.
  const message = (cause as { readonly message?: unknown } | null)?.message;
  const reason = (typeof message === 'string' ? message : String(cause)).split('\n')[0];
  return new UnclipError(code, `${what}: ${reason}`, { cause });
}

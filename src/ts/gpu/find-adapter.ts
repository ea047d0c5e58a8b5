import { UnclipError } from '../util/errors.js';
import { askDrivers, gpuInstance, type InstanceOptions } from './instance.js';

/**
 * Which adapter is taken: `auto`, a hardware adapter when there is one; `hardware`; `software`; anything else is a part of its
 * name, as the driver spells it. Of several with that name the driver's first is taken.
 */
export type AdapterChoice = 'auto' | 'hardware' | 'software' | (string & {});

const KINDS: readonly AdapterChoice[] = ['auto', 'hardware', 'software'];

/** Whether an adapter is a CPU in disguise (lavapipe, SwiftShader, WARP). */
export function isSoftware(info: GPUAdapterInfo): boolean {
  const text = `${info.architecture} ${info.device} ${info.description}`.toLowerCase();
  return /software|swiftshader|llvmpipe|lavapipe|\bwarp\b|basic render/.test(text);
}

const isKind = (choice: AdapterChoice): boolean => KINDS.includes(choice);

/**
 * Among the system's drivers first; then, where one was fetched, with the private software driver beside them.
 * @throws UnclipError GPU_NO_ADAPTER
 */
export async function findAdapter(
  choice: AdapterChoice | undefined,
  backend: InstanceOptions['backend'],
): Promise<GPUAdapter> {
  const want = choice ?? (process.env.UNCLIP_ADAPTER === 'software' ? 'software' : 'auto');
  const ask = isKind(want) ? () => ofKind(want, backend) : () => named(want, backend);
  const found = await askDrivers(ask, ({ adapter }) => adapter === undefined && backend === undefined);
  if (found.adapter !== undefined) return found.adapter;
  if (!isKind(want) && found.others.length > 0)
    throw new UnclipError(
      'GPU_NO_ADAPTER',
      `no WebGPU adapter has '${want}' in its name; there is ${found.others.join(', ')}`,
    );
  const which = want === 'auto' ? '' : `${isKind(want) ? want : `'${want}'`} `;
  throw new UnclipError(
    'GPU_NO_ADAPTER',
    `no ${which}WebGPU adapter was found; 'unclip doctor' says what is missing and how to get it`,
  );
}

interface Found {
  readonly adapter: GPUAdapter | undefined;
  /** Names of adapters that were not wanted, as far as they are known. */
  readonly others: readonly string[];
}

async function ofKind(kind: AdapterChoice, backend: InstanceOptions['backend']): Promise<Found> {
  const instance = await gpuInstance({ backend });
  const candidates: GPUAdapter[] = [];
  // In this order: asked for a fallback adapter first, Dawn answers null even where there is one.
  for (const options of [{ powerPreference: 'high-performance' as const }, { forceFallbackAdapter: true }]) {
    const adapter = await instance.requestAdapter(options);
    if (adapter !== null) candidates.push(adapter);
  }
  const wanted = kind === 'auto' ? candidates : candidates.filter((a) => isSoftware(a.info) === (kind === 'software'));
  return { adapter: wanted.find((a) => !isSoftware(a.info)) ?? wanted[0], others: [] };
}

async function named(name: string, backend: InstanceOptions['backend']): Promise<Found> {
  const instance = await gpuInstance({ backend, adapterName: name });
  try {
    return { adapter: (await instance.requestAdapter()) ?? undefined, others: [] };
  } catch (error) {
    // Dawn lists what it has, a line each: ` * backend: 'vulkan', name: 'llvmpipe (LLVM 15.0.6, 256 bits)'`.
    const { message } = error as { readonly message?: string };
    return { adapter: undefined, others: [...(message ?? '').matchAll(/name: '(.*)'/g)].map(([, other]) => other!) };
  }
}

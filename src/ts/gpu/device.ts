import type { DeviceCaps, MatrixConfig } from '../ops/types.js';
import { UnclipError } from '../util/errors.js';
import { type AdapterChoice, findAdapter, isSoftware } from './find-adapter.js';
import { gpuError, type InstanceOptions } from './instance.js';
import { withGentlePolling } from './poll.js';

export interface DeviceOptions extends Pick<InstanceOptions, 'backend'> {
  readonly adapter?: AdapterChoice;
  /** Leave polling as dawn.node does it (a core busy while waiting, some 10 µs less latency). Default false. */
  readonly eagerPolling?: boolean;
}

/** What `doctor`, benchmarks and picture metadata say about an adapter. */
export interface AdapterDescription {
  readonly name: string;
  readonly vendor: string;
  readonly architecture: string;
  /** Name of the chip, and of the driver with its version, as Dawn gives them. */
  readonly device: string;
  readonly driver: string;
  readonly software: boolean;
  readonly features: readonly string[];
}

const WANTED_FEATURES: readonly string[] = [
  'shader-f16',
  'subgroups',
  'timestamp-query',
  'chromium-experimental-subgroup-matrix',
];

const WANTED_LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxImmediateSize',
  'minStorageBufferOffsetAlignment',
] as const;

/** An opened device of an adapter: the only place that holds Dawn objects for others to use. */
export class Device {
  readonly gpu: GPUDevice;
  readonly caps: DeviceCaps;
  readonly adapter: AdapterDescription;
  readonly #eager: boolean;
  #lost: string | undefined;
  #failure: UnclipError | undefined;

  private constructor(gpu: GPUDevice, caps: DeviceCaps, adapter: AdapterDescription, eager: boolean) {
    this.gpu = gpu;
    this.caps = caps;
    this.adapter = adapter;
    this.#eager = eager;
    void gpu.lost.then((info) => {
      this.#lost = info.reason === 'destroyed' ? 'it was closed' : info.message;
    });
    gpu.addEventListener('uncapturederror', (event) => {
      const { error } = event as GPUUncapturedErrorEvent;
      const code = error.constructor.name === 'GPUOutOfMemoryError' ? 'GPU_OUT_OF_MEMORY' : 'GRAPH_INVALID';
      this.#failure ??= gpuError(code, 'the GPU refused a command', error);
    });
  }

  /**
   * Opens an adapter with every optional feature it has that a kernel can use.
   * @throws UnclipError GPU_NO_ADAPTER when there is none of the kind or name asked for.
   */
  static async open(options: DeviceOptions = {}): Promise<Device> {
    const adapter = await findAdapter(options.adapter, options.backend);
    const info = adapter.info;
    const software = isSoftware(info);
    const features = WANTED_FEATURES.filter((f) => adapter.features.has(f));
    const limits: Record<string, number> = {};
    for (const name of WANTED_LIMITS) {
      const value = (adapter.limits as unknown as Record<string, number | undefined>)[name];
      if (value !== undefined) limits[name] = value;
    }
    let gpu: GPUDevice;
    try {
      gpu = await adapter.requestDevice({ requiredFeatures: features as GPUFeatureName[], requiredLimits: limits });
    } catch (cause) {
      throw gpuError('GPU_NO_ADAPTER', `the adapter '${info.description || info.device}' gave no device`, cause);
    }
    const subgroups = features.includes('subgroups');
    const fixed = info.subgroupMinSize === info.subgroupMaxSize ? (info.subgroupMinSize ?? 0) : 0;
    const caps: DeviceCaps = {
      subgroupSize: subgroups ? fixed : 0,
      subgroups,
      subgroupMaxSize: subgroups ? (info.subgroupMaxSize ?? 0) : 0,
      matrixConfigs: features.includes('chromium-experimental-subgroup-matrix') ? matrixConfigsOf(info) : [],
      f16: features.includes('shader-f16'),
      software,
      maxBindingBytes: limits.maxStorageBufferBindingSize ?? 128 * 2 ** 20,
      offsetAlignment: limits.minStorageBufferOffsetAlignment ?? 256,
      maxWorkgroupBytes: limits.maxComputeWorkgroupStorageSize ?? 16384,
      maxInvocations: limits.maxComputeInvocationsPerWorkgroup ?? 256,
    };
    const description: AdapterDescription = {
      name: info.description || info.device || 'unknown adapter',
      vendor: info.vendor,
      architecture: info.architecture,
      device: info.device,
      driver: info.description,
      software,
      features,
    };
    return new Device(gpu, caps, description, options.eagerPolling ?? false);
  }

  get lost(): boolean {
    return this.#lost !== undefined;
  }

  /** Throws what went wrong since the last look: a lost device, or a command that Dawn refused. */
  check(): void {
    if (this.#lost !== undefined) throw new UnclipError('GPU_DEVICE_LOST', `the GPU device is gone: ${this.#lost}`);
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure !== undefined) throw failure;
  }

  /** A buffer; its size is checked against the limits first, since drivers that commit memory late report nothing. */
  createBuffer(label: string, size: number, usage: GPUBufferUsageFlags): GPUBuffer {
    const max = this.gpu.limits.maxBufferSize;
    if (size > max)
      throw new UnclipError(
        'GPU_LIMIT_EXCEEDED',
        `${label} needs ${size} bytes, a buffer on this adapter holds ${max}`,
      );
    return this.gpu.createBuffer({ label, size: Math.max(256, (size + 3) & ~3), usage });
  }

  /** Waits until all submitted work is done, then {@link check}s. */
  async idle(): Promise<void> {
    await this.wait(() => this.gpu.queue.onSubmittedWorkDone());
    this.check();
  }

  /** Awaits a GPU promise without keeping a core busy. */
  wait<R>(work: () => Promise<R>): Promise<R> {
    return this.#eager ? work() : withGentlePolling(work);
  }

  /** Copies a buffer range back to the CPU. */
  async readBuffer(source: GPUBuffer, offset: number, size: number): Promise<ArrayBuffer> {
    const bytes = (size + 3) & ~3;
    const staging = this.createBuffer('read-back', bytes, GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST);
    const encoder = this.gpu.createCommandEncoder();
    encoder.copyBufferToBuffer(source, offset, staging, 0, bytes);
    this.gpu.queue.submit([encoder.finish()]);
    try {
      await this.wait(() => staging.mapAsync(GPUMapMode.READ, 0, bytes));
      return staging.getMappedRange(0, bytes).slice(0, size);
    } catch (cause) {
      this.check();
      throw gpuError('GPU_DEVICE_LOST', 'reading a result back failed', cause);
    } finally {
      staging.destroy();
    }
  }

  destroy(): void {
    this.gpu.destroy();
  }
}

/** Shapes of the matrix units, as plain data: newer than the published types. */
function matrixConfigsOf(info: GPUAdapterInfo): MatrixConfig[] {
  const configs = (info as { readonly subgroupMatrixConfigs?: Iterable<MatrixConfig> }).subgroupMatrixConfigs ?? [];
  return [...configs].map(({ M, N, K, componentType, resultComponentType }) => ({
    M,
    N,
    K,
    componentType,
    resultComponentType,
  }));
}

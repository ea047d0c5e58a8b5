import { Device, type DeviceOptions } from '../gpu/device.js';
import { PipelineCache } from '../gpu/pipelines.js';
import { reclaimMemory } from '../gpu/reclaim.js';
import { type CompileOptions, compileGraph } from '../graph/compile.js';
import type { ActivationDType, DType, Graph } from '../graph/types.js';
import type { DeviceCaps } from '../ops/types.js';
import { UnclipError } from '../util/errors.js';
import { Arena } from './arena.js';
import type { Profiler } from './profiler.js';
import { Program, type ProgramHost } from './program.js';
import { Residency, type WeightSource } from './residency.js';
import { StateTensor } from './state.js';

export interface RuntimeOptions extends DeviceOptions, CompileOptions {
  /** Most bytes of weights on the GPU at any time; networks beyond it are evicted and loaded again. Default: no bound. */
  readonly weightBudgetBytes?: number;
  /** Pretend that the adapter can do less than it can: for tests of fallbacks. */
  readonly caps?: Partial<DeviceCaps>;
}

/** Commands that wait to be submitted, once. What they use must stay as it is until then. */
export interface Recording {
  submit(): void;
}

/** Bindings a kernel can have absent: each position has its own 256 bytes, since writable ranges may not overlap. */
const DUMMY_SLOTS = 16;

/** A device with its arena, pipelines and resident weights: what turns graphs into running programs. */
export class Runtime implements ProgramHost {
  readonly device: Device;
  readonly pipelines: PipelineCache;
  readonly arena: Arena;
  readonly residency: Residency;
  /** Set by benchmarks: times every submit from then on. */
  profiler: Profiler | undefined;
  /** What was measured to be best on this device, for programs made from then on; set by a tuner, else that of the options. */
  choose: CompileOptions['choose'];
  readonly #options: RuntimeOptions;
  readonly #dummyRead: GPUBuffer;
  readonly #dummyWrite: GPUBuffer;

  private constructor(device: Device, options: RuntimeOptions) {
    this.device = device;
    this.pipelines = new PipelineCache(device);
    this.arena = new Arena(device);
    this.residency = new Residency(device, options.weightBudgetBytes);
    this.#options = options;
    this.choose = options.choose;
    this.#dummyRead = device.createBuffer('absent operand', 256, GPUBufferUsage.STORAGE);
    this.#dummyWrite = device.createBuffer('absent operands', 256 * DUMMY_SLOTS, GPUBufferUsage.STORAGE);
  }

  static async open(options: RuntimeOptions = {}): Promise<Runtime> {
    return new Runtime(await Device.open(options), options);
  }

  /** What kernels are chosen by: the device's, less what the options leave out. */
  get caps(): DeviceCaps {
    return { ...this.device.caps, ...this.#options.caps };
  }

  /** @throws UnclipError GPU_FEATURE_MISSING when the adapter cannot store `dtype`. */
  requireDType(dtype: ActivationDType): void {
    if (dtype === 'f16' && !this.device.caps.f16)
      throw new UnclipError(
        'GPU_FEATURE_MISSING',
        `f16 was asked for, but the adapter '${this.device.adapter.name}' has no shader-f16; use f32`,
      );
  }

  /**
   * Compiles a graph for this device.
   * @param network name under which its weights are shared with other programs of the same network
   * @param shared state tensors of other programs to use for inputs or outputs of the same shape and dtype
   * @throws UnclipError GPU_FEATURE_MISSING when the graph is f16 and the adapter is not.
   */
  program(
    network: string,
    graph: Graph,
    source: WeightSource,
    shared: Readonly<Record<string, StateTensor>> = {},
  ): Program {
    this.requireDType(graph.dtype);
    const compiled = compileGraph(graph, this.caps, { ...this.#options, choose: this.choose });
    const weights = this.residency.network(`${network}/${graph.dtype}`, source);
    return new Program(this, compiled, weights, shared);
  }

  /** A state tensor that belongs to no program. */
  state(label: string, shape: readonly number[], dtype: DType): StateTensor {
    return new StateTensor(this.device, label, shape, dtype);
  }

  /**
   * Records prepared programs, one after the other, as one command buffer to be submitted later.
   * @param ahead whether the GPU is at work meanwhile; told to the profiler, no more
   */
  record(programs: readonly Program[], ahead = false): Recording {
    const profiled = this.profiler?.begin(programs, ahead);
    const { gpu } = this.device;
    const encoder = gpu.createCommandEncoder();
    const pass = encoder.beginComputePass({ timestampWrites: profiled?.timestampWrites });
    for (const program of programs) program.encode(pass);
    pass.end();
    const commands = encoder.finish();
    profiled?.encoded();
    return {
      submit(): void {
        profiled?.submitting();
        gpu.queue.submit([commands]);
        profiled?.submitted();
      },
    };
  }

  /** {@link record}s prepared programs and submits them. */
  submit(programs: readonly Program[]): void {
    this.record(programs).submit();
  }

  dummy(position: number, access: 'read' | 'readWrite'): GPUBufferBinding {
    if (access === 'read') return { buffer: this.#dummyRead, offset: 0, size: 256 };
    return { buffer: this.#dummyWrite, offset: 256 * position, size: 256 };
  }

  /** Frees everything after the work in flight: Dawn can crash a process that ends while a fresh device is being destroyed. */
  async close(): Promise<void> {
    await this.device.idle().catch(() => undefined);
    this.destroy();
    await reclaimMemory();
  }

  destroy(): void {
    this.arena.destroy();
    this.residency.destroy();
    this.#dummyRead.destroy();
    this.#dummyWrite.destroy();
    this.device.destroy();
  }
}

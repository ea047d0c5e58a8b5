import type { Device } from '../gpu/device.js';
import type { PipelineCache } from '../gpu/pipelines.js';
import type { CompiledGraph } from '../graph/compile.js';
import { type Tensor, tensorBytes } from '../graph/types.js';
import type { Kernel, KernelBinding } from '../ops/types.js';
import { UnclipError } from '../util/errors.js';
import type { Arena } from './arena.js';
import type { NetworkWeights, Residency } from './residency.js';
import { StateTensor } from './state.js';

interface Dispatch {
  readonly pipeline: GPUComputePipeline;
  readonly group: GPUBindGroup;
  readonly params: Uint32Array;
  readonly grid: readonly [number, number, number];
}

/** `setImmediates` is newer than the published types. */
type PassWithImmediates = GPUComputePassEncoder & { setImmediates(offset: number, data: Uint32Array): void };

/** What a program draws on: the runtime that made it. */
export interface ProgramHost {
  readonly device: Device;
  readonly pipelines: PipelineCache;
  readonly residency: Residency;
  readonly arena: Arena;
  /** What is bound where an optional operand is absent. */
  dummy(position: number, access: KernelBinding['access']): GPUBufferBinding;
}

/**
 * A compiled graph on a device: pipelines, weights, bind groups. Made once, replayed at every sampling step without allocating
 * or compiling anything.
 */
export class Program {
  readonly compiled: CompiledGraph;
  readonly #host: ProgramHost;
  readonly #weights: NetworkWeights;
  readonly #states = new Map<number, StateTensor>();
  readonly #owned: StateTensor[] = [];
  readonly #weightTensors: readonly Tensor[];
  #pipelines: readonly GPUComputePipeline[] | undefined;
  #dispatches: readonly Dispatch[] = [];
  #bound = '';

  constructor(
    host: ProgramHost,
    compiled: CompiledGraph,
    weights: NetworkWeights,
    shared: Readonly<Record<string, StateTensor>>,
  ) {
    this.compiled = compiled;
    this.#host = host;
    this.#weights = weights;
    const { graph, tensors } = compiled;
    for (const [name, id] of Object.entries({ ...graph.inputs, ...graph.outputs })) {
      const root = tensors[tensors[id]!.aliasOf ?? id]!;
      const given = shared[name];
      if (given !== undefined) {
        if (given.dtype !== root.dtype || given.shape.join() !== tensors[id]!.shape.join())
          throw new UnclipError(
            'GRAPH_INVALID',
            `${graph.name}: '${name}' is ${root.dtype} [${tensors[id]!.shape}], bound to ${given.dtype} [${given.shape}]`,
          );
        this.#states.set(root.id, given);
      } else if (!this.#states.has(root.id)) {
        const state = new StateTensor(host.device, `${graph.name}.${name}`, tensors[id]!.shape, root.dtype);
        this.#states.set(root.id, state);
        this.#owned.push(state);
      }
    }
    const used = new Set<number>();
    for (const { kernels } of compiled.nodes)
      for (const k of kernels)
        for (const b of k.bindings) if (b.tensor !== null) used.add(tensors[b.tensor]!.aliasOf ?? b.tensor);
    this.#weightTensors = [...used].map((id) => tensors[id]!).filter((t) => t.kind === 'weight');
    host.arena.reserve(compiled.plan.arenaBytes);
  }

  /** The state tensor behind an input or output name. */
  state(name: string): StateTensor {
    const { graph, tensors } = this.compiled;
    const id = graph.inputs[name] ?? graph.outputs[name];
    const state = id === undefined ? undefined : this.#states.get(tensors[id]!.aliasOf ?? id);
    if (state === undefined) throw new UnclipError('GRAPH_INVALID', `${graph.name} has no input or output '${name}'`);
    return state;
  }

  /** What its commands are recorded for: one who recorded ahead records anew when this has changed since. */
  get binding(): string {
    return this.#bound;
  }

  /** Compiles pipelines, loads weights, binds buffers: whatever of it is not done or stale. */
  async prepare(): Promise<void> {
    const { device, pipelines, residency, arena } = this.#host;
    if (!arena.stale && this.#bound === this.#bindingKey()) {
      residency.touch(this.#weights);
      return;
    }
    const kernels = this.compiled.nodes.flatMap((n) => n.kernels);
    this.#pipelines ??= await Promise.all(kernels.map((k) => pipelines.get(k)));
    await residency.ensure(this.#weights, this.#weightTensors);
    const arenaBuffer = arena.buffer();
    this.#dispatches = kernels.map((kernel, i) => ({
      pipeline: this.#pipelines![i]!,
      group: device.gpu.createBindGroup({
        layout: pipelines.layout(kernel).group,
        entries: kernel.bindings.map((b, binding) => ({
          binding,
          resource: this.#resource(kernel, b, binding, arenaBuffer),
        })),
      }),
      params: kernel.params,
      grid: kernel.grid,
    }));
    this.#bound = this.#bindingKey();
    device.check();
  }

  /** What the bind groups were made for. */
  #bindingKey(): string {
    return `${this.#host.arena.generation}/${this.#weights.generation}`;
  }

  /** Records all dispatches into a pass. Everything must be {@link prepare}d. */
  encode(pass: GPUComputePassEncoder): void {
    let current: GPUComputePipeline | undefined;
    for (const d of this.#dispatches) {
      if (d.pipeline !== current) {
        pass.setPipeline(d.pipeline);
        current = d.pipeline;
      }
      pass.setBindGroup(0, d.group);
      if (d.params.length > 0) (pass as PassWithImmediates).setImmediates(0, d.params);
      pass.dispatchWorkgroups(d.grid[0], d.grid[1], d.grid[2]);
    }
  }

  /** Frees the state tensors that this program made for itself. */
  destroy(): void {
    for (const state of this.#owned) state.destroy();
  }

  #resource(kernel: Kernel, b: KernelBinding, position: number, arena: GPUBuffer): GPUBufferBinding {
    if (b.tensor === null) return this.#host.dummy(position, b.access);
    const { tensors, plan } = this.compiled;
    const tensor = tensors[tensors[b.tensor]!.aliasOf ?? b.tensor]!;
    const offset = b.offset ?? 0;
    if (tensor.kind === 'weight') {
      const weight = this.#weights.get(tensor);
      return { buffer: weight.buffer, offset: weight.offset + offset, size: b.size ?? weight.size };
    }
    if (b.access === 'read')
      throw new UnclipError(
        'GRAPH_INVALID',
        `${kernel.shader} binds '${tensor.name}' for reading only; only weights may be`,
      );
    const state = this.#states.get(tensor.id);
    if (state !== undefined) return { buffer: state.buffer, offset, size: b.size ?? state.bytes };
    const at = plan.offsets.get(tensor.id);
    if (at === undefined)
      throw new UnclipError('GRAPH_INVALID', `${kernel.shader} binds '${tensor.name}', which nothing planned`);
    return { buffer: arena, offset: at + offset, size: b.size ?? tensorBytes(tensor) };
  }
}

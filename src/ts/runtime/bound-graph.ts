import type { CompiledGraph } from '../graph/compile.js';
import { align } from '../graph/plan.js';
import { tensorBytes } from '../graph/types.js';
import type { Kernel, KernelBinding } from '../ops/types.js';
import { UnclipError } from '../util/errors.js';
import type { OperandSets } from './operand-sets.js';
import type { Runtime } from './runtime.js';

interface Step {
  readonly pipeline: GPUComputePipeline;
  readonly params: Uint32Array;
  readonly grid: readonly [number, number, number];
  /** One for each set of operands. */
  readonly groups: readonly GPUBindGroup[];
}

/** `setImmediates` is newer than the published types. */
type PassWithImmediates = GPUComputePassEncoder & { setImmediates(offset: number, data: Uint32Array): void };

/** A compiled graph bound to sets of operands, with temporaries of its own: what a {@link KernelTimer} runs. */
export class BoundGraph {
  readonly #runtime: Runtime;
  readonly #compiled: CompiledGraph;
  readonly #operands: OperandSets;
  /** Memory of temporaries, one buffer a set. */
  readonly #arenas: GPUBuffer[] = [];
  #steps: readonly Step[] = [];

  private constructor(runtime: Runtime, compiled: CompiledGraph, operands: OperandSets) {
    this.#runtime = runtime;
    this.#compiled = compiled;
    this.#operands = operands;
  }

  /**
   * Compiles the kernels and binds the first `sets` sets.
   * @throws UnclipError GPU_SHADER_INVALID, GPU_DEVICE_LOST, GRAPH_INVALID (operands of another graph)
   */
  static async create(
    runtime: Runtime,
    compiled: CompiledGraph,
    operands: OperandSets,
    sets: number,
  ): Promise<BoundGraph> {
    const bound = new BoundGraph(runtime, compiled, operands);
    try {
      await bound.#bind(sets);
      return bound;
    } catch (error) {
      bound.destroy();
      throw error;
    }
  }

  async #bind(sets: number): Promise<void> {
    const { device, pipelines } = this.#runtime;
    const { nodes, plan, graph } = this.#compiled;
    device.check();
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST;
    for (let set = 0; set < sets && plan.arenaBytes > 0; set++)
      this.#arenas.push(device.createBuffer(`arena of ${graph.name}`, align(plan.arenaBytes), usage));
    const kernels = nodes.flatMap((n) => n.kernels);
    this.#steps = await Promise.all(
      kernels.map(async (kernel): Promise<Step> => {
        const pipeline = await pipelines.get(kernel);
        const groups = Array.from({ length: sets }, (_, set) => this.#group(kernel, set));
        return { pipeline, params: kernel.params, grid: kernel.grid, groups };
      }),
    );
    device.check();
  }

  /** Records runs of the graph: the first takes the set `first`, the next ones those after it. */
  encode(pass: GPUComputePassEncoder, first: number, runs: number): void {
    for (let run = 0; run < runs; run++)
      for (const { pipeline, groups, params, grid } of this.#steps) {
        pass.setPipeline(pipeline);
        pass.setBindGroup(0, groups[(first + run) % groups.length]!);
        if (params.length > 0) (pass as PassWithImmediates).setImmediates(0, params);
        pass.dispatchWorkgroups(grid[0], grid[1], grid[2]);
      }
  }

  /** Fills the temporaries with NaN, so that what a kernel reads without having written it shows. */
  poison(): void {
    const { queue } = this.#runtime.device.gpu;
    for (const arena of this.#arenas) {
      const words = new Uint32Array(Math.min(arena.size, 2 ** 22) / 4).fill(0xffffffff);
      for (let at = 0; at < arena.size; at += words.byteLength)
        queue.writeBuffer(arena, at, words, 0, Math.min(words.length, (arena.size - at) / 4));
    }
  }

  destroy(): void {
    for (const arena of this.#arenas) arena.destroy();
    this.#arenas.length = 0;
  }

  #group(kernel: Kernel, set: number): GPUBindGroup {
    const { device, pipelines } = this.#runtime;
    return device.gpu.createBindGroup({
      layout: pipelines.layout(kernel).group,
      entries: kernel.bindings.map((b, binding) => ({ binding, resource: this.#resource(kernel, b, binding, set) })),
    });
  }

  #resource(kernel: Kernel, b: KernelBinding, position: number, set: number): GPUBufferBinding {
    if (b.tensor === null) return this.#runtime.dummy(position, b.access);
    const { graph, tensors, plan } = this.#compiled;
    const tensor = tensors[tensors[b.tensor]!.aliasOf ?? b.tensor]!;
    const at = plan.offsets.get(tensor.id);
    const place =
      at === undefined
        ? this.#operands.place(tensor, set)
        : { buffer: this.#arenas[set]!, offset: at, size: tensorBytes(tensor) };
    if (place === undefined)
      throw new UnclipError(
        'GRAPH_INVALID',
        `${kernel.shader} binds '${tensor.name}', which is no operand of ${graph.name}`,
      );
    return { buffer: place.buffer, offset: place.offset + (b.offset ?? 0), size: b.size ?? place.size };
  }
}

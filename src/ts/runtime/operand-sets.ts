import type { Device } from '../gpu/device.js';
import type { CompiledGraph } from '../graph/compile.js';
import { align } from '../graph/plan.js';
import { type Tensor, tensorBytes } from '../graph/types.js';
import { UnclipError } from '../util/errors.js';
import { randomInput, randomInputBytes, seedOf, storedBytes } from './random-data.js';
import type { WeightSource } from './residency.js';

export interface OperandOptions {
  /** Bytes over which runs rotate: more than the adapter's caches hold. Default 64 MiB on CPU drivers, 512 MiB on GPUs. */
  readonly rotateBytes?: number;
  /** Most bytes that all sets may take. Default 1 GiB on CPU drivers, 8 GiB on GPUs. */
  readonly budgetBytes?: number;
  /** Most sets: operands of a few kilobytes are not copied thousands of times. Default 64. */
  readonly maxSets?: number;
  /** Values of inputs by name, channels last; those not named are random. */
  readonly inputs?: Readonly<Record<string, Float32Array | Uint32Array>>;
  /** Of the random inputs. */
  readonly seed?: number;
}

/** A place in a buffer. */
export interface Place {
  readonly buffer: GPUBuffer;
  readonly offset: number;
  readonly size: number;
}

/** One upload command at most, and bytes after which uploads wait for the GPU: Dawn stages each in memory of its own. */
const CHUNK_BYTES = 16 * 2 ** 20;
const FLUSH_BYTES = 64 * 2 ** 20;

/**
 * Inputs, outputs and weights of a graph, several times over in different memory, so that runs in turn find none of it in a
 * cache. All sets of a kind (weights; the rest) share one buffer where its limit allows: Dawn then keeps one run after the other,
 * as it does in the engine's own arena.
 */
export class OperandSets {
  readonly count: number;
  /** Of one set. */
  readonly setBytes: number;
  readonly #device: Device;
  readonly #options: OperandOptions;
  readonly #source: WeightSource;
  readonly #compiled: CompiledGraph;
  readonly #buffers: GPUBuffer[] = [];
  readonly #places = new Map<string, Place>();

  private constructor(device: Device, compiled: CompiledGraph, source: WeightSource, options: OperandOptions) {
    this.#device = device;
    this.#compiled = compiled;
    this.#source = source;
    this.#options = options;
    const tensors = operandTensors(compiled);
    this.setBytes = tensors.reduce((sum, t) => sum + align(tensorBytes(t)), 0) + compiled.plan.arenaBytes;
    this.count = setCount(this.setBytes, device.caps.software, options, compiled.graph.name);
    this.#allocate(tensors.filter((t) => t.kind === 'weight'));
    this.#allocate(tensors.filter((t) => t.kind !== 'weight'));
  }

  /**
   * Allocates and fills the sets, all alike.
   * @throws UnclipError GPU_OUT_OF_MEMORY when one set is over the budget
   */
  static async create(
    device: Device,
    compiled: CompiledGraph,
    source: WeightSource,
    options: OperandOptions = {},
  ): Promise<OperandSets> {
    const sets = new OperandSets(device, compiled, source, options);
    try {
      await sets.#fill();
      return sets;
    } catch (error) {
      sets.destroy();
      throw error;
    }
  }

  /** Bytes of all sets. */
  get bytes(): number {
    return this.#buffers.reduce((sum, b) => sum + b.size, 0);
  }

  /** Where a tensor lies in a set; undefined for temporaries, which a run places itself. */
  place(tensor: Tensor, set: number): Place | undefined {
    return this.#places.get(`${tensor.id}/${set}`);
  }

  /** What an input holds, rounded as it is stored: to feed a reference with. */
  inputValues(name: string): Float32Array | Uint32Array {
    return this.#options.inputs?.[name] ?? randomInput(this.#compiled, this.#input(name), this.#seedOf(name));
  }

  #inputBytes(name: string): Uint8Array {
    const id = this.#input(name);
    const given = this.#options.inputs?.[name];
    if (given !== undefined) return storedBytes(this.#compiled.tensors[id]!, given);
    return randomInputBytes(this.#compiled, id, this.#seedOf(name));
  }

  #input(name: string): number {
    const { graph } = this.#compiled;
    const id = graph.inputs[name];
    if (id === undefined) throw new UnclipError('GRAPH_INVALID', `${graph.name} has no input '${name}'`);
    return id;
  }

  #seedOf(name: string): number {
    return (this.#options.seed ?? 1) ^ seedOf(name);
  }

  /** Fills the first set anew where a run writes: in-place operands with their values, results with NaN. */
  async reset(): Promise<void> {
    const { graph, nodes, tensors } = this.#compiled;
    const inputs = new Map(Object.entries(graph.inputs).map(([name, id]) => [tensors[id]!.aliasOf ?? id, name]));
    const written = new Set(nodes.flatMap((n) => n.node.outputs).map((id) => tensors[id]!.aliasOf ?? id));
    for (const id of written) {
      const tensor = tensors[id]!;
      if (this.place(tensor, 0) === undefined) continue;
      const name = inputs.get(id);
      if (name !== undefined) await this.#upload(tensor, this.#inputBytes(name), 1);
      else await this.#upload(tensor, new Uint8Array(tensorBytes(tensor)).fill(0xff), 1);
    }
  }

  destroy(): void {
    for (const buffer of this.#buffers) buffer.destroy();
    this.#buffers.length = 0;
    this.#places.clear();
  }

  /** Places the tensors of all sets one after the other, in as few buffers as the limit allows. */
  #allocate(tensors: readonly Tensor[]): void {
    const limit = this.#device.gpu.limits.maxBufferSize;
    const groups: { bytes: number; places: { key: string; offset: number; size: number }[] }[] = [];
    for (let set = 0; set < this.count; set++)
      for (const tensor of tensors) {
        const size = tensorBytes(tensor);
        const last = groups.at(-1);
        const group = last !== undefined && last.bytes + align(size) <= limit ? last : { bytes: 0, places: [] };
        if (group !== last) groups.push(group);
        group.places.push({ key: `${tensor.id}/${set}`, offset: group.bytes, size });
        group.bytes += align(size);
      }
    for (const { bytes, places } of groups) {
      const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC;
      const buffer = this.#device.createBuffer(`operands of ${this.#compiled.graph.name}`, bytes, usage);
      this.#buffers.push(buffer);
      for (const { key, offset, size } of places) this.#places.set(key, { buffer, offset, size });
    }
  }

  async #fill(): Promise<void> {
    const { graph, tensors } = this.#compiled;
    for (const tensor of operandTensors(this.#compiled)) {
      if (tensor.kind !== 'weight') continue;
      const bytes = new Uint8Array(tensorBytes(tensor));
      this.#source.pack(tensor.weight!, bytes, tensor.dtype === 'f16' ? 'f16' : 'f32');
      await this.#upload(tensor, bytes, this.count);
    }
    for (const [name, id] of Object.entries(graph.inputs)) {
      const tensor = tensors[tensors[id]!.aliasOf ?? id]!;
      if (this.place(tensor, 0) === undefined) continue;
      await this.#upload(tensor, this.#inputBytes(name), this.count);
    }
    await this.#device.idle();
  }

  /** Writes a tensor's bytes into the first `sets` sets: over the bus once, then from buffer to buffer. */
  async #upload(tensor: Tensor, bytes: Uint8Array, sets: number): Promise<void> {
    const { gpu } = this.#device;
    const usage = GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC;
    const staging = this.#device.createBuffer('operand staging', Math.min(CHUNK_BYTES, bytes.length), usage);
    let staged = 0;
    for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
      const length = Math.min(CHUNK_BYTES, bytes.length - at);
      gpu.queue.writeBuffer(staging, 0, bytes.buffer as ArrayBuffer, bytes.byteOffset + at, length);
      const encoder = gpu.createCommandEncoder();
      for (let set = 0; set < sets; set++) {
        const { buffer, offset } = this.place(tensor, set)!;
        encoder.copyBufferToBuffer(staging, 0, buffer, offset + at, length);
      }
      gpu.queue.submit([encoder.finish()]);
      staged += length;
      if (staged < FLUSH_BYTES) continue;
      await this.#device.idle();
      staged = 0;
    }
    staging.destroy();
  }
}

/** Inputs, outputs and weights of the nodes, each once. */
function operandTensors({ tensors, nodes }: CompiledGraph): Tensor[] {
  const ids = new Set<number>();
  for (const { node } of nodes)
    for (const id of [...node.inputs, ...node.outputs]) if (id !== null) ids.add(tensors[id]!.aliasOf ?? id);
  return [...ids].map((id) => tensors[id]!).filter((t) => t.kind !== 'temporary');
}

/** Enough sets to rotate over `rotateBytes`, at least two, as far as the budget goes. */
function setCount(setBytes: number, software: boolean, options: OperandOptions, name: string): number {
  const rotate = options.rotateBytes ?? (software ? 64 : 512) * 2 ** 20;
  const budget = options.budgetBytes ?? (software ? 1 : 8) * 2 ** 30;
  const fitting = Math.floor(budget / Math.max(1, setBytes));
  if (fitting < 1)
    throw new UnclipError(
      'GPU_OUT_OF_MEMORY',
      `operands of ${name} take ${setBytes} bytes, ${budget} are allowed for timing; raise the budget or use a smaller shape`,
    );
  const wanted = Math.max(2, Math.ceil(rotate / Math.max(1, setBytes)));
  return Math.min(wanted, fitting, options.maxSets ?? 64);
}

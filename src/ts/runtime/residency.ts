import type { Device } from '../gpu/device.js';
import { align } from '../graph/plan.js';
import { type Tensor, tensorBytes } from '../graph/types.js';
import type { WeightRequest } from '../graph/weights-spec.js';
import { UnclipError } from '../util/errors.js';

/** Where a network's weights come from: a checkpoint folder, or arrays in a test. */
export interface WeightSource {
  /** Writes the packed tensor into `destination` (exactly its bytes). */
  pack(request: WeightRequest, destination: Uint8Array, dtype: 'f32' | 'f16'): void;
}

/** A packed weight on the GPU. */
export interface ResidentWeight {
  readonly buffer: GPUBuffer;
  readonly offset: number;
  readonly size: number;
}

/** One upload command at most: Dawn stages each in memory of its own. */
const CHUNK_BYTES = 16 * 2 ** 20;
/** Staged bytes after which the upload waits for the GPU, so that staging memory stays bounded. */
const FLUSH_BYTES = 64 * 2 ** 20;

/** The weights of one network: packed on demand, evicted and loaded again as the budget asks. */
export class NetworkWeights {
  readonly name: string;
  readonly #source: WeightSource;
  readonly #resident = new Map<string, ResidentWeight>();
  readonly #buffers: GPUBuffer[] = [];
  #bytes = 0;
  #generation = 0;
  lastUse = 0;

  constructor(name: string, source: WeightSource) {
    this.name = name;
    this.#source = source;
  }

  isOf(source: WeightSource): boolean {
    return this.#source === source;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Grows with each eviction: bind groups made before it are stale. */
  get generation(): number {
    return this.#generation;
  }

  get(tensor: Tensor): ResidentWeight {
    const weight = this.#resident.get(keyOf(tensor));
    if (weight === undefined)
      throw new UnclipError('GRAPH_INVALID', `weight ${tensor.name} of ${this.name} is not resident`);
    return weight;
  }

  missing(tensors: readonly Tensor[]): Tensor[] {
    return tensors.filter((t) => !this.#resident.has(keyOf(t)));
  }

  /** Packs and uploads; one buffer a call, several where a buffer's limit asks for it. */
  async upload(tensors: readonly Tensor[], device: Device): Promise<void> {
    const limit = Math.min(device.gpu.limits.maxBufferSize, 2 ** 30);
    let staging = new Uint8Array(0);
    let staged = 0;
    for (const group of groupBySize(tensors, limit)) {
      const total = group.reduce((sum, t) => sum + align(tensorBytes(t)), 0);
      const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST;
      const buffer = device.createBuffer(`weights of ${this.name}`, total, usage);
      this.#buffers.push(buffer);
      this.#bytes += total;
      let offset = 0;
      for (const tensor of group) {
        const size = tensorBytes(tensor);
        if (staging.length < size) staging = new Uint8Array(size);
        const bytes = staging.subarray(0, size);
        this.#source.pack(tensor.weight!, bytes, tensor.dtype === 'f16' ? 'f16' : 'f32');
        for (let at = 0; at < size; at += CHUNK_BYTES) {
          const length = Math.min(CHUNK_BYTES, size - at);
          device.gpu.queue.writeBuffer(buffer, offset + at, bytes.buffer as ArrayBuffer, bytes.byteOffset + at, length);
          staged += length;
          if (staged < FLUSH_BYTES) continue;
          device.gpu.queue.submit([]);
          await device.idle();
          staged = 0;
        }
        this.#resident.set(keyOf(tensor), { buffer, offset, size });
        offset += align(size);
      }
    }
    device.check();
  }

  evict(): void {
    for (const buffer of this.#buffers) buffer.destroy();
    this.#buffers.length = 0;
    this.#resident.clear();
    this.#bytes = 0;
    this.#generation++;
  }
}

/** Keeps the weights of all networks within a byte budget: the least recently used network goes first. */
export class Residency {
  readonly budgetBytes: number;
  readonly #device: Device;
  readonly #networks: NetworkWeights[] = [];
  #clock = 0;

  constructor(device: Device, budgetBytes = Number.POSITIVE_INFINITY) {
    this.#device = device;
    this.budgetBytes = budgetBytes;
  }

  get bytes(): number {
    return this.#networks.reduce((sum, n) => sum + n.bytes, 0);
  }

  /** The weights of the network called `name` of a source, made on first use. Two models may have networks of one name. */
  network(name: string, source: WeightSource): NetworkWeights {
    let network = this.#networks.find((n) => n.name === name && n.isOf(source));
    if (network === undefined) {
      network = new NetworkWeights(name, source);
      this.#networks.push(network);
    }
    return network;
  }

  /**
   * Makes `tensors` of `network` resident, evicting others when the budget asks for it.
   * @throws UnclipError GPU_OUT_OF_MEMORY when they alone exceed the budget.
   */
  async ensure(network: NetworkWeights, tensors: readonly Tensor[]): Promise<void> {
    this.touch(network);
    const missing = network.missing(tensors);
    if (missing.length === 0) return;
    const needed = missing.reduce((sum, t) => sum + align(tensorBytes(t)), 0);
    if (network.bytes + needed > this.budgetBytes)
      throw new UnclipError(
        'GPU_OUT_OF_MEMORY',
        `the weights of ${network.name} need ${network.bytes + needed} bytes, the budget is ${this.budgetBytes}; raise it, use f16 or weights q8`,
      );
    const others = this.#networks.filter((n) => n !== network && n.bytes > 0).sort((a, b) => a.lastUse - b.lastUse);
    while (this.bytes + needed > this.budgetBytes && others.length > 0) others.shift()!.evict();
    await network.upload(missing, this.#device);
  }

  /** Counts a use: the network used longest ago is evicted first. */
  touch(network: NetworkWeights): void {
    network.lastUse = ++this.#clock;
  }

  destroy(): void {
    for (const network of this.#networks) network.evict();
  }
}

/** The same stored tensors may be there in several types: whole, as 8-bit values, as the scales of those. */
const keyOf = ({ weight, dtype }: Tensor): string =>
  `${weight!.packing}|${dtype}|${weight!.quantized ?? ''}|${weight!.sources.join('+')}`;

function groupBySize(tensors: readonly Tensor[], limit: number): Tensor[][] {
  const groups: Tensor[][] = [];
  let size = Number.POSITIVE_INFINITY;
  for (const tensor of tensors) {
    const bytes = align(tensorBytes(tensor));
    if (size + bytes > limit) {
      groups.push([]);
      size = 0;
    }
    groups.at(-1)!.push(tensor);
    size += bytes;
  }
  return groups;
}

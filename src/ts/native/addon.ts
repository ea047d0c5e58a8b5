import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { UnclipError } from '../util/errors.js';
import { packageRoot } from '../util/package-root.js';

/** Element types of stored tensors that the addon reads. */
export type StoredDType = 'F64' | 'F32' | 'F16' | 'BF16' | 'I64' | 'I32' | 'I16' | 'I8' | 'U8' | 'BOOL';

export interface NativeTensorInfo {
  name: string;
  dtype: StoredDType;
  shape: number[];
  bytes: number;
}

/** A part of a stored tensor that stands for a tensor of its own. */
export interface TensorPart {
  /** Its first element, and how many there are. */
  first: number;
  elements: number;
  /** Above 0: the elements are a matrix of so many columns, and its transpose is meant. */
  columns: number;
}

/** Where converted elements go: f16 bits or f32, from `byteOffset` of the destination on. */
interface Placement {
  f16: boolean;
  byteOffset: number;
  /** What is read in place of the whole tensor. */
  part?: TensorPart;
}

/** The whole tensor, flat, followed by `zeros` zeros. */
export interface CopyOptions extends Placement {
  zeros: number;
}

/**
 * A stored weight [outputs, inputs, taps] into columns [column, column + outputs) of the packed matrix [taps, inputs, stride];
 * `zeros` columns after them are zeroed.
 */
export interface PackOptions extends Placement {
  outputs: number;
  inputs: number;
  taps: number;
  stride: number;
  column: number;
  zeros: number;
}

/** As {@link PackOptions}, for int8: one byte an element. */
export type PackQuantizedOptions = Omit<PackOptions, 'f16'>;

/** One f32 for each of `outputs` rows of a stored weight, followed by `zeros` zeros. */
export interface ScaleOptions {
  byteOffset: number;
  outputs: number;
  zeros: number;
  part?: TensorPart;
}

/** A tensor whose place in a file the caller knows: `begin` is its first byte. */
export interface NativeTensorEntry {
  name: string;
  dtype: StoredDType;
  shape: readonly number[];
  begin: number;
}

/**
 * Stored tensors, mapped and checked. copy and pack return how many finite values became infinite. A quantised weight is
 * round(w / scale), ties to even, with scale = max |w| / 127 over each output; the methods return how many values are not finite.
 */
export interface NativeTensorFile {
  tensors(): NativeTensorInfo[];
  metadata(): [string, string][];
  copy(index: number, destination: ArrayBufferLike | ArrayBufferView, options: CopyOptions): number;
  pack(index: number, destination: ArrayBufferLike | ArrayBufferView, options: PackOptions): number;
  packQuantized(index: number, destination: ArrayBufferLike | ArrayBufferView, options: PackQuantizedOptions): number;
  quantizationScales(index: number, destination: ArrayBufferLike | ArrayBufferView, options: ScaleOptions): number;
  close(): void;
}

export interface NativeGenerator {
  randn(count: number): Float32Array;
  rand(count: number): Float32Array;
  randint(count: number, range: number): Float64Array;
}

export type Reals = Float32Array | Float64Array;

/** Sizes of {@link ReferenceOps.conv2d}. upsample 2 enlarges the input by nearest neighbour first. */
export interface ConvSizes {
  batch: number;
  height: number;
  width: number;
  inChannels: number;
  outChannels: number;
  kernelHeight: number;
  kernelWidth: number;
  stride: number;
  pad: number;
  upsample: 1 | 2;
}

export interface AttentionSizes {
  batch: number;
  queries: number;
  keys: number;
  heads: number;
  headDim: number;
  /** Factor of q·k, usually 1 / sqrt(headDim). */
  scale: number;
  /** Query i sees keys 0..i. */
  causal: boolean;
}

export interface PictureSizes {
  batch: number;
  height: number;
  width: number;
  channels: number;
}

/**
 * Every operation of the networks in f64, channels last, for tests. Operands hold exactly the stated number of elements; weights
 * keep PyTorch's layout. Throws an Error with code INPUT_INVALID or INPUT_TOO_LARGE.
 */
export interface ReferenceOps {
  /** x[M, K] · w[N, K]ᵀ + bias[N] → [M, N]. */
  linear(x: Reals, w: Reals, bias: Reals | null, sizes: { m: number; n: number; k: number }): Float64Array;
  /** x[B, H, W, I], w[O, I, kh, kw] → [B, OH, OW, O], zero padding. */
  conv2d(x: Reals, w: Reals, bias: Reals | null, sizes: ConvSizes): Float64Array;
  /** x[B, L, C]; statistics over L and the channels of a group. */
  groupNorm(
    x: Reals,
    gamma: Reals | null,
    beta: Reals | null,
    sizes: { batch: number; length: number; channels: number; groups: number; eps: number },
  ): Float64Array;
  /** x[rows, C]; statistics over C. */
  layerNorm(
    x: Reals,
    gamma: Reals | null,
    beta: Reals | null,
    sizes: { rows: number; channels: number; eps: number },
  ): Float64Array;
  /** q[B, Lq, heads*D], k and v [B, Lk, heads*D], mask [B, Lk] added to the scores → [B, Lq, heads*D]. */
  attention(q: Reals, k: Reals, v: Reals, mask: Reals | null, sizes: AttentionSizes): Float64Array;
  /** Over the last dimension of x[rows, columns]. */
  softmax(x: Reals, sizes: { rows: number; columns: number }): Float64Array;
  silu(x: Reals): Float64Array;
  /** The exact form, with erf. */
  gelu(x: Reals): Float64Array;
  /** x · sigmoid(1.702 x). */
  quickGelu(x: Reals): Float64Array;
  /** max(x, 0). */
  relu(x: Reals): Float64Array;
  /** F.interpolate(mode='bicubic', antialias=True, align_corners=False): cubic a = -0.5. */
  bicubicAntialias(x: Reals, sizes: PictureSizes & { outHeight: number; outWidth: number }): Float64Array;
  /** [B, H, W, C] → [B, H/2, W/2, C]. */
  avgPool2x(x: Reals, sizes: PictureSizes): Float64Array;
  /** [B, H, W, C] → [B, 2H, 2W, C]. */
  nearest2x(x: Reals, sizes: PictureSizes): Float64Array;
  /** t[B] → [B, dim], cosines first (flip_sin_to_cos), freq_shift 0. */
  timestepEmbedding(t: Reals, sizes: { batch: number; dim: number }): Float64Array;
  /**
   * Guidance and one reverse step as src/ts/diffusion/step-params.ts states it; params holds 16 numbers an image.
   * sample, noise, x0Prev [B, pixels, C]; cond, uncond [B, pixels, outChannels] (outChannels = C or 2C).
   */
  diffusionStep(
    sample: Reals,
    cond: Reals,
    uncond: Reals | null,
    noise: Reals | null,
    params: Reals,
    x0Prev: Reals | null,
    sizes: { batch: number; pixels: number; channels: number; outChannels: number },
  ): Float64Array;
  /**
   * Index of one category an image by guidance, top-k and the Gumbel-max trick → [B]. cond, uncond, noise [B, categories];
   * settings [B, 4]: guidance scale, temperature, top-k (0: all), unused.
   */
  sampleCategorical(
    cond: Reals,
    uncond: Reals | null,
    noise: Reals,
    settings: Reals,
    sizes: { batch: number; categories: number },
  ): Float64Array;
}

export interface Addon extends ReferenceOps {
  /**
   * Maps `path`, a safetensors file, and checks the whole header; with `entries`, any file (or a copy of bytes in memory) that
   * has its tensors there. Throws an Error with code MODEL_FILE_MISSING, MODEL_FILE_INVALID or IO_FAILED.
   */
  TensorFile: new (
    source: string | Uint8Array,
    entries?: readonly NativeTensorEntry[],
  ) => NativeTensorFile;
  /** Takes the low 32 bits of a seed. */
  Generator: new (
    seed: number,
  ) => NativeGenerator;
  /** Elements of `dtype` → f32, or f16 bits rounded to nearest even. */
  convert(source: ArrayBufferLike | ArrayBufferView, dtype: StoredDType, target: 'f32'): Float32Array;
  convert(source: ArrayBufferLike | ArrayBufferView, dtype: StoredDType, target: 'f16'): Uint16Array;
  /** Sets an environment variable of the whole process, from a worker thread too, whose process.env is a copy. */
  setEnvironment(name: string, value: string): void;
  /** Gives memory that was freed back to the system, off the event loop; glibc would keep some for each of its arenas. */
  trimMemory(): Promise<void>;
}

let loaded: Addon | undefined;

/**
 * The native addon: built from source in build/Release, or prebuilt for this platform.
 * @throws UnclipError NATIVE_ADDON_MISSING where neither is there, or where it does not load
 */
export function addon(): Addon {
  if (loaded !== undefined) return loaded;
  const root = packageRoot();
  const places = [
    join(root, 'build', 'Release', 'unclip.node'),
    join(root, 'prebuilt', `${process.platform}-${process.arch}`, 'unclip.node'),
  ];
  const path = places.find((place) => existsSync(place));
  if (path === undefined) {
    throw new UnclipError(
      'NATIVE_ADDON_MISSING',
      'the native addon is not built for this platform; run `npm run build:native` in the folder of the package',
    );
  }
  let found: Addon;
  try {
    found = createRequire(import.meta.url)(path) as Addon;
  } catch (cause) {
    throw new UnclipError(
      'NATIVE_ADDON_MISSING',
      'the native addon does not load on this machine; run `npm run build:native` in the folder of the package',
      { cause },
    );
  }
  if (found.TensorFile === undefined) {
    throw new UnclipError(
      'NATIVE_ADDON_MISSING',
      'the native addon is of another version of this package; run `npm run build:native` in its folder',
    );
  }
  loaded = found;
  return loaded;
}

import type { Tensor } from '../../graph/types.js';
import { grid1d, params, positionsOf, readWrite } from '../lowering.js';
import type { DeviceCaps, Kernel, KernelBinding, OpCall, Tuning } from '../types.js';
import { matrixDefines } from './matrix-tile.js';

/** A product on matrix units: shaders/<shader>.wgsl, and shaders/<shader>-sum.wgsl where its K is cut into slices. */
export interface MatrixProduct {
  readonly shader: string;
  readonly defines: Readonly<Record<string, boolean>>;
  /** First the two operands, then what `finish` of the shader reads and writes. */
  readonly bindings: readonly KernelBinding[];
  readonly words: readonly number[];
  /** Words of a product that is cut into slices, before the size of a slice and the number of slices. */
  readonly sliceWords: readonly number[];
  readonly m: number;
  readonly k: number;
  readonly n: number;
}

const ABSENT: KernelBinding = { tensor: null, access: 'readWrite' };
const absent = ({ access }: KernelBinding): KernelBinding => ({ ...ABSENT, access });

/** Invocations of a workgroup of shaders/matmul/matrix-sum.wgsl, eight columns each. */
const SUM_WORKGROUP = 64;

/** One kernel, or two with the partial sums in `scratch` between them. */
export function matrixKernels(
  o: MatrixProduct,
  caps: DeviceCaps,
  tuning: Tuning,
  [scratch]: readonly Tensor[],
): Kernel[] {
  const { BM, BN, BK, SLICES = 1 } = tuning as Record<'BM' | 'BN' | 'BK' | 'SLICES', number>;
  const tiles = grid1d(Math.ceil(o.m / BM) * Math.ceil(o.n / BN));
  const defines = { ...matrixDefines(tuning, caps), ...o.defines };
  const { shader, bindings, words } = o;
  if (SLICES === 1 || scratch === undefined)
    return [{ shader, defines, constants: {}, bindings, params: params(...words), grid: tiles }];
  const slice = Math.ceil(Math.ceil(o.k / BK) / SLICES) * BK;
  const parts = readWrite(scratch);
  const [operands, rest] = [bindings.slice(0, 2), bindings.slice(2)];
  const shared = { constants: {}, params: params(...words, ...o.sliceWords, slice, SLICES) };
  const eights = o.m * Math.ceil(o.n / 8);
  return [
    {
      ...{ shader, defines, ...shared, grid: [tiles[0], tiles[1], SLICES] },
      bindings: [...operands, ...rest.map(absent), parts],
    },
    {
      ...{ shader: `${shader}-sum`, defines: { ...o.defines, SPLIT: true }, ...shared },
      bindings: [...operands.map(absent), ...rest, parts],
      grid: grid1d(Math.ceil(eights / SUM_WORKGROUP)),
    },
  ];
}

/** Partial sums of a product cut into slices, image by image: shaders/matmul/matrix-parts.wgsl. */
export const matrixScratch = ({ outputs }: OpCall, columns: number, { SLICES = 1 }: Tuning): number[][] => {
  const out = outputs[0]!;
  return SLICES === 1 ? [] : [[out.shape[0]!, SLICES, positionsOf(out), Math.ceil(columns / 8) * 8]];
};

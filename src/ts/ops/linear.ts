import type { Tensor } from '../graph/types.js';
import { pad4 } from '../graph/weights-spec.js';
import { UnclipError } from '../util/errors.js';
import { ACTIVATIONS, type Activation } from './activation.js';
import {
  grid1d,
  lastDim,
  operandBytes,
  params,
  positionsOf,
  read,
  readWrite,
  rowsOf,
  storageDefines,
} from './lowering.js';
import type { DeviceCaps, Kernel, OpCall, OpRecord, Variant } from './types.js';

/** Rows × columns of the output that one workgroup of the portable kernels computes, and rows per invocation. */
export interface TileShape {
  readonly BM: number;
  readonly BN: number;
  readonly RM: number;
}

/** Tile of matmul/tile-core: flat for few rows per image, narrow for few columns, so that less of a tile is idle. */
export function portableTile(rowsPerImage: number, columns: number): TileShape {
  if (columns <= 16) return { BM: 64, BN: 16, RM: 4 };
  return rowsPerImage < 32 ? { BM: 16, BN: 64, RM: 4 } : { BM: 64, BN: 64, RM: 4 };
}

/** Whether the one-subgroup kernels run here and pay: a CPU driver with a subgroup size they were written for. */
export const cpuSubgroup = ({ software, subgroupSize }: DeviceCaps): boolean =>
  software && (subgroupSize === 4 || subgroupSize === 8);

/** Columns a lane owns in the one-subgroup kernels: as many as n fills, and so that they divide n. */
export function columnsPerLane(n: number, subgroupSize: number): 1 | 2 | 4 {
  if (n % 4 === 0 && n > 2 * subgroupSize) return 4;
  return n % 2 === 0 && n > subgroupSize ? 2 : 1;
}

/** Switches of shaders/matmul/columns.wgsl. */
export const cpuDefines = (call: OpCall, caps: DeviceCaps, cols: 1 | 2 | 4): Record<string, boolean | number> => ({
  ...storageDefines(call.dtype),
  SUBGROUP: caps.subgroupSize,
  COLS4: cols === 4,
  COLS2: cols === 2,
});

/** Word that tells a kernel what follows the sum of products: shaders/matmul/epilogue.wgsl. */
export function epilogueFlags(o: {
  bias: Tensor | null;
  residual: Tensor | null;
  imageBias?: Tensor | null;
  act: string;
}): number {
  const bits = (o.bias === null ? 0 : 1) | (o.residual === null ? 0 : 2) | (o.imageBias == null ? 0 : 4);
  return bits | (ACTIVATIONS[o.act as Activation] << 8);
}

/** Operands of out[m, n] = act(x[m, k] · w + bias) + residual. */
export interface Product {
  readonly x: Tensor;
  readonly w: Tensor;
  readonly bias: Tensor | null;
  readonly residual: Tensor | null;
  readonly out: Tensor;
  readonly m: number;
  readonly k: number;
  readonly n: number;
  readonly flags: number;
}

function parts({ inputs, outputs, attrs }: OpCall): Product {
  const [x, w, bias, residual] = [inputs[0]!, inputs[1]!, inputs[2] ?? null, inputs[3] ?? null];
  const flags = epilogueFlags({ bias, residual, act: attrs.act as string });
  return { x, w, bias, residual, out: outputs[0]!, m: rowsOf(x), k: lastDim(x), n: attrs.outFeatures as number, flags };
}

const portable: Variant = {
  name: 'portable',
  supports: () => true,
  lower(call): Kernel[] {
    const { x, w, bias, residual, out, m, k, n, flags } = parts(call);
    const tile = portableTile(positionsOf(x), n);
    return [
      {
        shader: 'matmul/linear-portable',
        defines: { ...storageDefines(call.dtype), VEC_K: k % 4 === 0, VEC_N: n % 4 === 0, ...tile },
        constants: {},
        bindings: [readWrite(x), read(w), read(bias), readWrite(residual), readWrite(out)],
        params: params(m, k, n, flags),
        grid: grid1d(Math.ceil(m / tile.BM) * Math.ceil(n / tile.BN)),
      },
    ];
  },
};

/** Kernel of the one-subgroup product; few rows per image get 8 rows a workgroup instead of 16. */
export function cpuKernel(call: OpCall, caps: DeviceCaps, o: Product): Kernel {
  const { x, w, bias, residual, out, m, k, n, flags } = o;
  const cols = columnsPerLane(n, caps.subgroupSize);
  const many = positionsOf(x) > 8;
  return {
    shader: 'matmul/linear-cpu',
    defines: { ...cpuDefines(call, caps, cols), VEC_K: k % 4 === 0, ROWS16: many },
    constants: {},
    bindings: [readWrite(x), read(w), read(bias), readWrite(residual), readWrite(out)],
    params: params(m, k, n, flags),
    grid: grid1d(Math.ceil(m / (many ? 16 : 8)) * Math.ceil(n / (cols * caps.subgroupSize))),
  };
}

const cpu: Variant = {
  name: 'cpu',
  supports: (_call, caps) => cpuSubgroup(caps),
  lower: (call, caps) => [cpuKernel(call, caps, parts(call))],
};

function invalid(message: string): never {
  throw new UnclipError('GRAPH_INVALID', `linear: ${message}`);
}

/** act(x · w + bias) + residual over the last dimension; operands as GraphBuilder.linear and the fusion pass give them. */
export const linear: OpRecord = {
  name: 'linear',
  summary: 'act(x · w + bias) + residual over the last dimension',
  infer(inputs, attrs) {
    const [x, w, bias, residual] = inputs;
    if (!x || !w) return invalid('x and w are required');
    const n = attrs.outFeatures as number;
    const ldw = pad4(n);
    if (w.shape.length !== 2 || w.shape[0] !== lastDim(x) || w.shape[1] !== ldw)
      invalid(`w is [${w.shape}], x [${x.shape}] with ${n} outputs needs [${lastDim(x)}, ${ldw}]`);
    if (bias && (bias.shape.length !== 1 || bias.shape[0] !== ldw)) invalid(`bias is [${bias.shape}], not [${ldw}]`);
    const shape = [...x.shape.slice(0, -1), n];
    if (residual && residual.shape.join() !== shape.join())
      invalid(`residual is [${residual.shape}], the output [${shape}]`);
    return [shape];
  },
  variants: [cpu, portable],
  flops(call) {
    const { m, k, n } = parts(call);
    return 2 * m * k * n;
  },
  bytes: operandBytes,
  tolerance: { f32: { relL2: 1e-5, maxAbs: 1e-3 }, f16: { relL2: 2e-3, maxAbs: 0.1 } },
};

import type { Tensor } from '../graph/types.js';
import { pad4 } from '../graph/weights-spec.js';
import { UnclipError } from '../util/errors.js';
import { columnsPerLane, cpuDefines, cpuKernel, cpuSubgroup, epilogueFlags, portableTile } from './linear.js';
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
import type { Kernel, KernelBinding, OpCall, OpRecord, Variant } from './types.js';

interface ConvCall {
  readonly x: Tensor;
  readonly out: Tensor;
  readonly inChannels: number;
  readonly outChannels: number;
  readonly kernel: number;
  readonly bindings: readonly KernelBinding[];
  readonly params: Uint32Array;
}

/** Bindings and immediates shared by all variants: shaders/conv/conv2d-common.wgsl. */
function parts({ inputs, outputs, attrs }: OpCall): ConvCall {
  const [x, w, bias, imageBias, residual] = [
    inputs[0]!,
    inputs[1]!,
    inputs[2] ?? null,
    inputs[3] ?? null,
    inputs[4] ?? null,
  ];
  const out = outputs[0]!;
  const [batch, height, width, inChannels] = x.shape as [number, number, number, number];
  const [, outHeight, outWidth, outChannels] = out.shape as [number, number, number, number];
  const kernel = attrs.kernel as number;
  const words = params(
    ...[batch, height, width, inChannels, outHeight, outWidth, outChannels, kernel],
    ...[attrs.stride as number, attrs.pad as number, attrs.upsample === 2 ? 1 : 0, attrs.residualUpsample ? 1 : 0],
    ...[
      imageBias === null ? 0 : lastDim(imageBias),
      epilogueFlags({ bias, residual, imageBias, act: attrs.act as string }),
    ],
  );
  const bindings = [readWrite(x), read(w), read(bias), readWrite(imageBias), readWrite(residual), readWrite(out)];
  return { x, out, inChannels, outChannels, kernel, bindings, params: words };
}

const portable: Variant = {
  name: 'portable',
  supports: () => true,
  lower(call): Kernel[] {
    const { out, inChannels, outChannels, bindings, params } = parts(call);
    const tile = portableTile(positionsOf(out), outChannels);
    return [
      {
        shader: 'conv/conv2d-portable',
        defines: { ...storageDefines(call.dtype), VEC_I: inChannels % 4 === 0, VEC_O: outChannels % 4 === 0, ...tile },
        constants: {},
        bindings,
        params,
        grid: grid1d(Math.ceil(rowsOf(out) / tile.BM) * Math.ceil(outChannels / tile.BN)),
      },
    ];
  },
};

/** Whether a call is a plain matrix product over pixels: 1×1, and nothing of the epilogue that a product lacks. */
const isPointwise = ({ attrs, inputs }: OpCall): boolean =>
  attrs.kernel === 1 &&
  attrs.stride === 1 &&
  attrs.pad === 0 &&
  attrs.upsample === 1 &&
  (attrs.residualUpsample === false || (inputs[4] ?? null) === null) &&
  (inputs[3] ?? null) === null;

/** On CPU drivers: 3×3 with stride 1, nearly all the work of a diffusion UNet, and 1×1 as a matrix product. */
const cpu: Variant = {
  name: 'cpu',
  supports: (call, caps) =>
    cpuSubgroup(caps) && ((call.attrs.kernel === 3 && call.attrs.stride === 1) || isPointwise(call)),
  lower(call, caps): Kernel[] {
    const { out, inChannels, outChannels, bindings, params } = parts(call);
    const [batch, height, width] = out.shape as [number, number, number];
    if (isPointwise(call)) {
      const [x, w, bias, residual] = [call.inputs[0]!, call.inputs[1]!, call.inputs[2] ?? null, call.inputs[4] ?? null];
      const flags = epilogueFlags({ bias, residual, act: call.attrs.act as string });
      return [
        cpuKernel(call, caps, { x, w, bias, residual, out, m: rowsOf(out), k: inChannels, n: outChannels, flags }),
      ];
    }
    const cols = columnsPerLane(outChannels, caps.subgroupSize);
    const tiles = Math.ceil(width / 8) * Math.ceil(height / 4) * Math.ceil(outChannels / (cols * caps.subgroupSize));
    return [
      {
        shader: 'conv/conv2d-cpu',
        defines: { ...cpuDefines(call, caps, cols), VEC_I: inChannels % 4 === 0 },
        constants: {},
        bindings,
        params,
        grid: grid1d(batch * tiles),
      },
    ];
  },
};

function invalid(message: string): never {
  throw new UnclipError('GRAPH_INVALID', `conv2d: ${message}`);
}

/** act(conv(x) + bias + imageBias) + residual; operands as GraphBuilder.conv2d and the fusion pass give them. */
export const conv2d: OpRecord = {
  name: 'conv2d',
  summary:
    'act(conv(x) + bias + image bias) + residual; square kernel, any stride; nearest 2× enlargement of x or residual fused',
  infer(inputs, attrs) {
    const [x, w, bias, imageBias, residual] = inputs;
    if (!x || !w) return invalid('x and w are required');
    if (x.shape.length !== 4) invalid(`x is [${x.shape}], not [B, H, W, C]`);
    const [batch, height, width, inChannels] = x.shape as [number, number, number, number];
    const [outChannels, kernel, stride, pad] = [attrs.outChannels, attrs.kernel, attrs.stride, attrs.pad] as number[];
    const ldw = pad4(outChannels!);
    const wanted = [kernel!, kernel!, inChannels, ldw];
    if (w.shape.join() !== wanted.join()) invalid(`w is [${w.shape}], not [${wanted}]`);
    if (bias && (bias.shape.length !== 1 || bias.shape[0] !== ldw)) invalid(`bias is [${bias.shape}], not [${ldw}]`);
    const extent = (size: number): number =>
      Math.floor((size * (attrs.upsample as number) + 2 * pad! - kernel!) / stride!) + 1;
    const shape = [batch, extent(height), extent(width), outChannels!];
    if (shape[1]! < 1 || shape[2]! < 1)
      invalid(`x [${x.shape}] is smaller than the kernel (${kernel}, padding ${pad})`);
    if (imageBias && (imageBias.shape[0] !== batch || ![outChannels, ldw].includes(lastDim(imageBias))))
      invalid(`image bias is [${imageBias.shape}], not [${batch}, ${outChannels}]`);
    const half = attrs.residualUpsample === true;
    if (half && (shape[1]! % 2 !== 0 || shape[2]! % 2 !== 0))
      invalid(`an enlarged residual needs an even output, not [${shape}]`);
    const residualShape = half ? [batch, shape[1]! / 2, shape[2]! / 2, outChannels!] : shape;
    if (residual && residual.shape.join() !== residualShape.join())
      invalid(`residual is [${residual.shape}], not [${residualShape}]`);
    return [shape];
  },
  variants: [cpu, portable],
  flops(call) {
    const { out, inChannels, outChannels, kernel } = parts(call);
    return 2 * rowsOf(out) * outChannels * kernel * kernel * inChannels;
  },
  bytes: operandBytes,
  tolerance: { f32: { relL2: 1e-5, maxAbs: 1e-3 }, f16: { relL2: 2e-3, maxAbs: 0.1 } },
};

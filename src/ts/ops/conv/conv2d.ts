import { pad4 } from '../../graph/weights-spec.js';
import { UnclipError } from '../../util/errors.js';
import { lastDim, operandBytes, rowsOf } from '../lowering.js';
import type { OpRecord } from '../types.js';
import { convOf } from './conv-call.js';
import { cpu } from './conv-cpu.js';
import { f16 } from './conv-f16.js';
import { matrix } from './conv-matrix.js';
import { portable } from './conv-portable.js';
import { q8, q8Cpu, q8F16, q8Matrix } from './conv-q8.js';

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
  variants: [cpu, matrix, f16, portable, q8Cpu, q8Matrix, q8F16, q8],
  flops(call) {
    const { out, inChannels, outChannels, kernel } = convOf(call);
    return 2 * rowsOf(out) * outChannels * kernel * kernel * inChannels;
  },
  bytes: operandBytes,
  tolerance: { f32: { relL2: 1e-5, maxAbs: 1e-3 }, f16: { relL2: 2e-3, maxAbs: 0.1 } },
};

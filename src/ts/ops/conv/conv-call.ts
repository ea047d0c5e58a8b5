import type { Tensor } from '../../graph/types.js';
import { lastDim, params, read, readWrite, rowsOf } from '../lowering.js';
import { epilogueFlags, type Product, scaleBindings } from '../matmul/product.js';
import type { KernelBinding, OpCall } from '../types.js';

export interface ConvCall {
  readonly x: Tensor;
  readonly w: Tensor;
  readonly out: Tensor;
  readonly inChannels: number;
  readonly outChannels: number;
  readonly kernel: number;
  readonly bindings: readonly KernelBinding[];
  readonly params: Uint32Array;
}

/** Bindings and immediates shared by all variants: shaders/conv/conv2d-common.wgsl. */
export function convOf({ inputs, outputs, attrs }: OpCall): ConvCall {
  const [x, w, bias, imageBias, residual] = [
    inputs[0]!,
    inputs[1]!,
    inputs[2] ?? null,
    inputs[3] ?? null,
    inputs[4] ?? null,
  ];
  const scales = inputs[5] ?? null;
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
  const bindings = [
    ...[readWrite(x), read(w), read(bias), readWrite(imageBias), readWrite(residual), readWrite(out)],
    ...scaleBindings(scales),
  ];
  return { x, w, out, inChannels, outChannels, kernel, bindings, params: words };
}

/** A {@link isPointwise} call as a product over pixels. */
export function pointwiseProduct({ inputs, outputs, attrs }: OpCall): Product {
  const [x, w, bias, residual, scales] = [
    inputs[0]!,
    inputs[1]!,
    inputs[2] ?? null,
    inputs[4] ?? null,
    inputs[5] ?? null,
  ];
  const out = outputs[0]!;
  const flags = epilogueFlags({ bias, residual, act: attrs.act as string });
  return { x, w, bias, residual, scales, out, m: rowsOf(out), k: lastDim(x), n: lastDim(out), flags };
}

/** Whether a call is a plain matrix product over pixels: 1×1, and nothing of the epilogue that a product lacks. */
export const isPointwise = ({ attrs, inputs }: OpCall): boolean =>
  attrs.kernel === 1 &&
  attrs.stride === 1 &&
  attrs.pad === 0 &&
  attrs.upsample === 1 &&
  (attrs.residualUpsample === false || (inputs[4] ?? null) === null) &&
  (inputs[3] ?? null) === null;

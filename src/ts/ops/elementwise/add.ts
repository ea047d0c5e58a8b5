import type { Attrs, Tensor } from '../../graph/types.js';
import { elementCount } from '../../graph/types.js';
import { pad4 } from '../../graph/weights-spec.js';
import { misfit, numberAttr, required } from '../checks.js';
import { ELEMENTWISE_TOLERANCE, flatGrid, imageVectorWidth, ioDefines, outputElements, vectorWidth } from '../flat.js';
import { f32Bits, lastDim, operand, operandBytes, params, readWrite } from '../lowering.js';
import type { OpRecord } from '../types.js';

/**
 * How b is read against a, as `b[(i / span) · step + i mod step]` for the flat index i of a: `step` elements repeat every
 * `step`, and advance after every `span` elements.
 */
export interface Broadcast {
  readonly span: number;
  readonly step: number;
}

const equal = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((n, i) => n === b[i]);

/**
 * Shape of b against a: the same; a trailing part (leading ones of b dropped; a zero-padded vector of weights counts as long
 * as C); or [B, C] per image. [B, C] against [B, B, C] could be both: a weight is then a trailing part, anything else is per
 * image, so that the reading does not depend on the batch. Undefined when b does not fit.
 */
export function broadcastOf(a: Tensor, b: Tensor): Broadcast | undefined {
  const elements = elementCount(a.shape);
  const channels = lastDim(a);
  if (equal(a.shape, b.shape)) return { span: elements, step: elements };
  if (b.kind === 'weight' && b.shape.length === 1 && b.shape[0] === pad4(channels))
    return { span: elements, step: channels };
  if (b.kind !== 'weight' && equal(b.shape, [a.shape[0]!, channels]))
    return { span: elements / a.shape[0]!, step: channels };
  const firstReal = b.shape.findIndex((n) => n !== 1);
  const core = b.shape.slice(firstReal < 0 ? b.shape.length : firstReal);
  const fits = core.length > 0 && core.length <= a.shape.length && equal(a.shape.slice(-core.length), core);
  return fits ? { span: elements, step: elementCount(core) } : undefined;
}

const scaleOf = (attrs: Attrs): number => (attrs.scale === undefined ? 1 : numberAttr('add', attrs, 'scale'));

/** a + scale · b (1 when absent), b of a's shape, of a trailing part of it, or [B, C] per image; see {@link broadcastOf}. */
export const add: OpRecord = {
  name: 'add',
  summary: 'Sum of two tensors; the second may be scaled, repeat over leading dimensions or hold a row per image.',
  infer(inputs, attrs) {
    scaleOf(attrs);
    const [a, b] = [required('add', inputs, 0), required('add', inputs, 1)];
    if (a.kind === 'weight') misfit('add', `${a.name} is a weight: it must be the second operand`);
    if (broadcastOf(a, b) === undefined) misfit('add', `[${b.shape}] cannot be added to [${a.shape}]`);
    return [a.shape];
  },
  variants: [
    {
      name: 'portable',
      supports: () => true,
      lower(call) {
        const [a, b, out] = [call.inputs[0]!, call.inputs[1]!, call.outputs[0]!];
        const { span, step } = broadcastOf(a, b)!;
        const elements = outputElements(call);
        const same = step === elements;
        const scale = scaleOf(call.attrs);
        const width = same ? imageVectorWidth(out) : vectorWidth(elements / out.shape[0]!, step);
        return [
          {
            shader: 'elementwise/add',
            defines: { ...ioDefines(width, a, out, b), SAME: same, SCALED: scale !== 1, B_WEIGHT: b.kind === 'weight' },
            constants: {},
            bindings: [readWrite(a), operand(b), readWrite(out)],
            params: params(elements / width, span / width, step / width, f32Bits(scale)),
            grid: flatGrid(elements / width),
          },
        ];
      },
    },
  ],
  flops: (call) => (scaleOf(call.attrs) === 1 ? 1 : 2) * outputElements(call),
  bytes: operandBytes,
  tolerance: ELEMENTWISE_TOLERANCE,
};

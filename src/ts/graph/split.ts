import type { DeviceCaps, Kernel, KernelBinding, OpCall, Tuning, Variant } from '../ops/types.js';
import { type Tensor, tensorBytes } from './types.js';

/** Ids of views, in a range of their own so that they cannot be mistaken for tensors of the graph. */
const FIRST_VIEW = 2 ** 30;

/** Whether an op moves images within the batch instead of computing each from its own. */
const acrossImages = (op: string, call: OpCall): boolean => op === 'repeatBatch' || call.attrs.axis === 0;

/**
 * Lowers a node image by image where an operand is larger than one binding may be: each kernel then sees its image's part of
 * every operand. Images do not depend on one another, so the numbers are the same to the bit. Returns undefined where the
 * operands fit as they are, or cannot be cut (an image's part starts at an offset the device does not allow, or the op joins
 * images): the caller's check then says what does not fit.
 */
export function lowerPerImage(
  op: string,
  call: OpCall,
  variant: Variant,
  caps: DeviceCaps,
  tuning: Tuning,
): Kernel[] | undefined {
  const operands = [...call.inputs, ...call.outputs, ...call.scratch].filter((t): t is Tensor => t !== null);
  const large = operands.some((t) => t.kind !== 'weight' && tensorBytes(t) > caps.maxBindingBytes);
  const batch = call.outputs[0]!.shape[0]!;
  if (!large || batch === 1 || acrossImages(op, call)) return undefined;
  const cut = operands.filter((t) => t.kind !== 'weight');
  const bytes = (t: Tensor): number => tensorBytes(t) / batch;
  if (cut.some((t) => t.shape[0] !== batch || bytes(t) % (caps.offsetAlignment ?? 256) !== 0)) return undefined;

  const kernels: Kernel[] = [];
  for (let image = 0; image < batch; image++) {
    const origin = new Map<number, Tensor>();
    const view = <N extends Tensor | null>(t: N): N => {
      if (t === null || t.kind === 'weight') return t;
      const id = FIRST_VIEW + t.id;
      origin.set(id, t);
      return { ...t, id, shape: [1, ...t.shape.slice(1)] };
    };
    const part: OpCall = {
      ...call,
      inputs: call.inputs.map(view),
      outputs: call.outputs.map(view),
      scratch: call.scratch.map(view),
    };
    const place = (b: KernelBinding): KernelBinding => {
      const t = b.tensor === null ? undefined : origin.get(b.tensor);
      if (t === undefined) return b;
      return { ...b, tensor: t.id, offset: image * bytes(t) + (b.offset ?? 0), size: b.size ?? bytes(t) };
    };
    for (const kernel of variant.lower(part, caps, tuning))
      kernels.push({ ...kernel, bindings: kernel.bindings.map(place) });
  }
  return kernels;
}

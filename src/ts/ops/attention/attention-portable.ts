import { storageDefines } from '../lowering.js';
import type { Kernel, Variant } from '../types.js';
import { attentionBindings, attentionOf, attentionParams } from './attention-call.js';

/** Queries that one workgroup of attention-portable computes. */
const PORTABLE_TILE = 32;

export const portable: Variant = {
  name: 'portable',
  supports: () => true,
  lower(call): Kernel[] {
    const a = attentionOf(call);
    return [
      {
        shader: 'attention/attention-portable',
        defines: { ...storageDefines(call.dtype), VEC4: a.headSize % 4 === 0, HEAD: a.headSize },
        constants: {},
        bindings: attentionBindings(a),
        params: attentionParams(a),
        grid: [Math.ceil(a.queries / PORTABLE_TILE), a.heads, a.batch],
      },
    ];
  },
};

import type { Variant } from '../types.js';
import { cpu } from './linear-cpu.js';
import { f16 } from './linear-f16.js';
import { matrix } from './linear-matrix.js';
import { portable } from './linear-portable.js';

/** int8 weights, on CPU drivers: the kernel of `cpu`, a word loaded for four columns. */
export const q8Cpu: Variant = { ...cpu, name: 'q8-cpu', weights: 'q8' };

/** int8 weights, on matrix units, which they reach as f16. */
export const q8Matrix: Variant = { ...matrix, name: 'q8-matrix', weights: 'q8' };

/** int8 weights, f16 activations: the tiles of `f16`. */
export const q8F16: Variant = { ...f16, name: 'q8-f16', weights: 'q8' };

/** int8 weights, on any adapter: the tiles of `portable`, the weights widened on their way into workgroup memory. */
export const q8: Variant = { ...portable, name: 'q8', weights: 'q8' };

import type { Variant } from '../types.js';
import { cpu } from './linear-cpu.js';
import { portable } from './linear-portable.js';

/** int8 weights, on CPU drivers: the kernel of `cpu`, a word loaded for four columns. */
export const q8Cpu: Variant = { ...cpu, name: 'q8-cpu', weights: 'q8' };

/** int8 weights, on any adapter: the tiles of `portable`, the weights widened on their way into workgroup memory. */
export const q8: Variant = { ...portable, name: 'q8', weights: 'q8' };

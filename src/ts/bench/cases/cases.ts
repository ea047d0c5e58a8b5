import { attentions } from './attention.js';
import type { BenchCase } from './case.js';
import { elements } from './elements.js';
import { norms } from './norms.js';
import { pictures } from './pictures.js';
import { products } from './products.js';

/** Everything that `bench kernels` can time. A new op record needs a case here; a test says so. */
export const CASES: readonly BenchCase[] = [...products, ...attentions, ...norms, ...pictures, ...elements];

import { UnclipError } from '../../util/errors.js';
import { attention } from './attention.js';
import * as elements from './elements.js';
import * as layout from './layout.js';
import * as norms from './norms.js';
import * as pictures from './pictures.js';
import * as products from './products.js';
import type { Operands, Reference, Sample } from './sample.js';
import * as sampling from './sampling.js';

/** The fp64 reference of every op, by its name. */
export const REFERENCES: Readonly<Record<string, Reference>> = {
  ...products,
  attention,
  ...norms,
  ...elements,
  ...layout,
  ...pictures,
  ...sampling,
};

/** Some elements of a call's first result in fp64. @throws UnclipError GRAPH_INVALID for an op that has no reference */
export function referenceOf(op: string, operands: Operands): Sample {
  const reference = REFERENCES[op];
  if (reference === undefined) throw new UnclipError('GRAPH_INVALID', `the benchmark has no reference of '${op}'`);
  return reference(operands);
}

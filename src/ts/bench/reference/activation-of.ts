import { addon } from '../../native/addon.js';
import type { Activation } from '../../ops/activations.js';

/** An activation in fp64. */
export const activationOf = (act: Exclude<Activation, 'none'>, x: Float64Array): Float64Array =>
  act === 'relu' ? x.map((v) => Math.max(v, 0)) : addon()[act](x);

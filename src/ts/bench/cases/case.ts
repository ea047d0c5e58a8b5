import type { GraphBuilder, T } from '../../graph/builder.js';

/** One op on one shape, in any dtype: what `bench kernels` times. */
export interface BenchCase {
  /** `op/what/shape`: readable, unique, made for `grep` and `-r`. */
  readonly name: string;
  readonly op: string;
  /** `large`: for hardware; a CPU driver would take seconds for a run. */
  readonly size: 'small' | 'large';
  /** Emits the op, with whatever fuses into it; after fusion one node is left. Returns its result, if that is a new tensor. */
  readonly build: (g: GraphBuilder) => T | undefined;
}

/** Cases of one op by name; `large` ones are so marked. */
export function casesOf(
  op: string,
  builds: Readonly<Record<string, (g: GraphBuilder) => T | undefined>>,
  large: Readonly<Record<string, (g: GraphBuilder) => T | undefined>> = {},
): BenchCase[] {
  const make = (size: BenchCase['size'], from: typeof builds): BenchCase[] =>
    Object.entries(from).map(([name, build]) => ({ name: `${op}/${name}`, op, size, build }));
  return [...make('small', builds), ...make('large', large)];
}

/** An input of the case's own dtype. */
export const input = (g: GraphBuilder, shape: readonly number[], name = 'x'): T => g.input(name, shape);

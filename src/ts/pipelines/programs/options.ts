import type { Program } from '../../runtime/program.js';

/** Programs of one purpose, in the order of a run. */
export interface Programs {
  all(): Program[];
  /** Frees what they hold between runs. */
  destroy(): void;
}

/** Compiles every pipeline, loads weights and binds buffers, as far as the weight budget lets all of it stay. */
export async function preparePrograms(...groups: readonly Programs[]): Promise<void> {
  for (const group of groups) for (const program of group.all()) await program.prepare();
}

/** Graphs without weights: resizing, pixels. */
export const NO_WEIGHTS = {
  pack(): never {
    throw new Error('a graph without weights asked for one');
  },
};

import type { Choice } from '../ops/types.js';
import { describeChoice } from './candidates.js';

/** Mean of some numbers that are told one by one. */
interface Mean {
  sum: number;
  count: number;
}

/**
 * How candidates did in the classes that were searched before: tile sizes that were good for one shape are tried first for the
 * next, so that a search that runs out of time has seen the likely ones.
 */
export class Ranking {
  /** Of log(time / time of the class's fastest), by op and choice, and by op and variant. */
  readonly #slowness = new Map<string, Mean>();

  /** @param times of the candidates of one class */
  learn(op: string, times: readonly { readonly choice: Choice; readonly ms: number }[]): void {
    const best = Math.min(...times.map((t) => t.ms));
    if (!(best > 0)) return;
    for (const { choice, ms } of times)
      for (const key of [keyOf(op, choice), `${op} ${choice.variant}`]) {
        const mean = this.#slowness.get(key) ?? { sum: 0, count: 0 };
        mean.sum += Math.log(ms / best);
        mean.count++;
        this.#slowness.set(key, mean);
      }
  }

  /** Candidates with the likeliest first; the first of them, the rules' choice, stays where it is, and so do equals. */
  order(op: string, choices: readonly Choice[]): Choice[] {
    const expected = (choice: Choice): number =>
      this.#mean(keyOf(op, choice)) ?? this.#mean(`${op} ${choice.variant}`) ?? 0;
    const rest = choices.slice(1).map((choice) => ({ choice, slowness: expected(choice) }));
    return [...choices.slice(0, 1), ...rest.sort((a, b) => a.slowness - b.slowness).map((r) => r.choice)];
  }

  #mean(key: string): number | undefined {
    const mean = this.#slowness.get(key);
    return mean === undefined ? undefined : mean.sum / mean.count;
  }
}

const keyOf = (op: string, choice: Choice): string => `${op} ${describeChoice(choice)} `;

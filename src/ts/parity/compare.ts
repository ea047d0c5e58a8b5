/** One checked tensor. */
export interface Row {
  readonly fixture: string;
  readonly network: string;
  readonly tensor: string;
  readonly shape: readonly number[];
  readonly relL2: number;
  readonly maxAbs: number;
  /** What is held against the bar: a figure's name and the bar itself. */
  readonly tolerance: string;
  readonly pass: boolean;
}

/** Collects the rows of one fixture. */
export class Report {
  readonly rows: Row[] = [];
  readonly #fixture: string;
  readonly #onRow: (row: Row) => void;

  constructor(fixture: string, onRow: (row: Row) => void) {
    this.#fixture = fixture;
    this.#onRow = onRow;
  }

  /** Relative L2 must not exceed `bar`. */
  relL2(
    network: string,
    tensor: string,
    shape: readonly number[],
    ours: ArrayLike<number>,
    golden: ArrayLike<number>,
    bar: number,
  ): void {
    const d = difference(ours, golden);
    this.#add(network, tensor, shape, d, `relL2 ≤ ${bar}`, d.relL2 <= bar);
  }

  /**
   * Relative L2 of all but the worst 0.1 % of the elements. For a first step of an epsilon model, which divides by
   * sqrt(ᾱ₉₉₉) = 4.9e-5 before it clips: an element whose prediction lies within the clip range has its rounding errors
   * multiplied by 2e4, in the reference as much as here.
   */
  relL2Trimmed(
    network: string,
    tensor: string,
    shape: readonly number[],
    ours: ArrayLike<number>,
    golden: ArrayLike<number>,
    bar: number,
  ): void {
    const d = difference(ours, golden);
    this.#add(network, tensor, shape, d, `relL2 ≤ ${bar} without the worst 0.1 %`, d.trimmedRelL2 <= bar);
  }

  /** Every element must be within `bar`. */
  maxAbs(
    network: string,
    tensor: string,
    shape: readonly number[],
    ours: ArrayLike<number>,
    golden: ArrayLike<number>,
    bar: number,
  ): void {
    const d = difference(ours, golden);
    this.#add(network, tensor, shape, d, bar === 0 ? 'exact' : `max ≤ ${bar}`, d.maxAbs <= bar);
  }

  /** A picture in [0, 1]: mean and 99.9th percentile of the absolute difference. */
  picture(
    network: string,
    tensor: string,
    shape: readonly number[],
    ours: ArrayLike<number>,
    golden: ArrayLike<number>,
    mean: number,
    p999: number,
  ): void {
    const d = difference(ours, golden);
    const pass = d.mean <= mean && d.p999 <= p999;
    const figures = `mean ${d.mean.toExponential(1)} ≤ ${mean}, p99.9 ${d.p999.toExponential(1)} ≤ ${p999}`;
    this.#add(network, tensor, shape, d, figures, pass);
  }

  #add(
    network: string,
    tensor: string,
    shape: readonly number[],
    d: Difference,
    tolerance: string,
    pass: boolean,
  ): void {
    const row = { fixture: this.#fixture, network, tensor, shape, relL2: d.relL2, maxAbs: d.maxAbs, tolerance, pass };
    this.rows.push(row);
    this.#onRow(row);
  }
}

interface Difference {
  readonly relL2: number;
  readonly trimmedRelL2: number;
  readonly maxAbs: number;
  readonly mean: number;
  readonly p999: number;
}

/** NaN anywhere makes every figure NaN, which no bar accepts. */
function difference(ours: ArrayLike<number>, golden: ArrayLike<number>): Difference {
  const wrong = Number.NaN;
  if (ours.length !== golden.length)
    return { relL2: wrong, trimmedRelL2: wrong, maxAbs: wrong, mean: wrong, p999: wrong };
  const absolute = new Float64Array(ours.length);
  let norm = 0;
  let sum = 0;
  for (let i = 0; i < absolute.length; i++) {
    absolute[i] = Math.abs(ours[i]! - golden[i]!);
    norm += golden[i]! ** 2;
    sum += absolute[i]!;
  }
  // NaN sorts to the end, so that the maximum shows it.
  absolute.sort();
  const kept = Math.ceil(absolute.length * 0.999);
  const relative = (count: number): number => {
    let squares = 0;
    for (let i = 0; i < count; i++) squares += absolute[i]! ** 2;
    return norm === 0 ? Math.sqrt(squares) : Math.sqrt(squares / norm);
  };
  return {
    relL2: relative(absolute.length),
    trimmedRelL2: Number.isNaN(sum) ? wrong : relative(Math.min(kept, absolute.length - 1)),
    maxAbs: absolute.at(-1) ?? 0,
    mean: sum / Math.max(1, absolute.length),
    p999: Number.isNaN(sum) ? wrong : (absolute[kept - 1] ?? 0),
  };
}

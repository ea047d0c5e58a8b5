import type { StepCoefficients } from '../../src/ts/diffusion/step-coefficients.js';

/** A distribution whose diffusion is known exactly; points are plain arrays of one or two coordinates. */
export interface Analytic {
  /** E[x₀ | y] for y = x₀ + σ·ε: what a perfect network predicts. */
  denoise(y: readonly number[], sigma: number): number[];
}

export interface Component {
  readonly weight: number;
  readonly mean: readonly number[];
  /** Standard deviation, the same in every direction. */
  readonly deviation: number;
}

/** A mixture of round Gaussians: posterior means of the components, weighted by their likelihood at y. */
export function mixture(components: readonly Component[]): Analytic {
  return {
    denoise(y, sigma) {
      const logs = components.map(({ weight, mean, deviation }) => {
        const variance = deviation ** 2 + sigma ** 2;
        const distance = y.reduce((sum, v, d) => sum + (v - mean[d]!) ** 2, 0);
        return Math.log(weight) - (y.length / 2) * Math.log(variance) - distance / (2 * variance);
      });
      const largest = Math.max(...logs);
      const likelihoods = logs.map((log) => Math.exp(log - largest));
      const total = likelihoods.reduce((a, b) => a + b, 0);
      return y.map((v, d) =>
        components.reduce((sum, { mean, deviation }, k) => {
          const kept = deviation ** 2 / (deviation ** 2 + sigma ** 2);
          return sum + (likelihoods[k]! / total) * (mean[d]! + kept * (v - mean[d]!));
        }, 0),
      );
    },
  };
}

/** A run of a sampler's steps in f64 with a perfect network: the coefficients of the kernel without its roundings. */
export function runExactly(
  steps: readonly StepCoefficients[],
  data: Analytic,
  start: readonly number[],
  noise: () => number = () => Number.NaN,
): number[] {
  let x = [...start];
  let previous: number[] | undefined;
  for (const step of steps) {
    const sigma = Math.sqrt((1 - step.alphaBar) / step.alphaBar);
    const x0 = data.denoise(
      x.map((v) => v / Math.sqrt(step.alphaBar)),
      sigma,
    );
    const last = previous;
    x = x.map((v, d) => {
      const mean = step.x0Coeff * x0[d]! + step.xtCoeff * v;
      const multistep = step.x0PrevCoeff === 0 ? mean : mean + step.x0PrevCoeff * last![d]!;
      return step.noisy ? multistep + step.std * noise() : multistep;
    });
    previous = x0;
  }
  return x;
}

/**
 * The probability-flow ODE dy/dσ = (y − D(y, σ))/σ from σ to 0: the classical Runge–Kutta method in log σ as far as `end`, which
 * lies far below the data's own width; then D itself, which differs from the solution there by order (end/width)².
 */
export function solveFlow(
  data: Analytic,
  start: readonly number[],
  sigma: number,
  end: number,
  steps: number,
): number[] {
  const h = Math.log(end / sigma) / steps;
  let y = [...start];
  let log = Math.log(sigma);
  const slope = (at: readonly number[], l: number): number[] => {
    const clean = data.denoise(at, Math.exp(l));
    return at.map((v, d) => v - clean[d]!);
  };
  const along = (k: readonly number[], by: number): number[] => y.map((v, d) => v + by * k[d]!);
  for (let i = 0; i < steps; i++) {
    const k1 = slope(y, log);
    const k2 = slope(along(k1, h / 2), log + h / 2);
    const k3 = slope(along(k2, h / 2), log + h / 2);
    const k4 = slope(along(k3, h), log + h);
    y = y.map((v, d) => v + (h / 6) * (k1[d]! + 2 * k2[d]! + 2 * k3[d]! + k4[d]!));
    log += h;
  }
  return data.denoise(y, end);
}

/** Slope of log error over log(1/steps) by least squares: the order of convergence. */
export function orderOf(steps: readonly number[], errors: readonly number[]): number {
  const [x, y] = [steps.map((n) => -Math.log(n)), errors.map(Math.log)];
  const mean = (v: readonly number[]): number => v.reduce((a, b) => a + b, 0) / v.length;
  const [mx, my] = [mean(x), mean(y)];
  const covariance = x.reduce((sum, v, i) => sum + (v - mx) * (y[i]! - my), 0);
  return covariance / x.reduce((sum, v) => sum + (v - mx) ** 2, 0);
}

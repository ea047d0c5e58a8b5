import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { UnClipSchedule, type UnClipStep } from '../diffusion/schedule.js';
import { stepReference } from '../diffusion/step-reference.js';
import { toChannelsFirst, toChannelsLast } from '../image/layout.js';
import type { Report } from './compare.js';
import { type GoldenFile, readGolden } from './golden-file.js';

const TABLE_BAR = 1e-6;
/** A chain divides by sqrt(ᾱ₉₉₉) = 4.9e-5 at its first step and clips: single roundings show, sums of them do not grow. */
const CHAIN_BAR = 1e-5;

/** The scheduler configurations of Karlo's stages, which the tables are named after. */
const ROLES: Readonly<Record<string, object>> = {
  prior: { prediction_type: 'sample', clip_sample_range: 5, variance_type: 'fixed_small_log' },
  decoder: { prediction_type: 'epsilon', clip_sample_range: 1, variance_type: 'learned_range' },
  super_res: { prediction_type: 'epsilon', clip_sample_range: 1, variance_type: 'fixed_small_log' },
};

const COLUMNS = {
  alpha_prod_t: 'alphaBar',
  alpha_prod_t_prev: 'alphaBarPrev',
  alpha: 'alpha',
  beta: 'beta',
  x0_coeff: 'x0Coeff',
  xt_coeff: 'xtCoeff',
  std: 'std',
  log_var_min: 'logVarMin',
  log_var_max: 'logVarMax',
} as const satisfies Record<string, keyof UnClipStep>;

/**
 * UnCLIPScheduler's tables for every run length in the folder, and its stored chains of steps.
 * @returns names of tables of other schedulers, which were left alone
 */
export function checkSchedule(folder: string, report: Report): string[] {
  const left: string[] = [];
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.safetensors'))) {
    const golden = readGolden(join(folder, file));
    if (!golden.names.some((name) => name.endsWith('.x0_coeff'))) {
      left.push(file);
      continue;
    }
    const schedule = UnClipSchedule.fromJson({});
    for (const [name, table] of [
      ['betas', schedule.betas],
      ['alphas', schedule.alphas],
      ['alphas_cumprod', schedule.alphasCumprod],
    ] as const)
      report.maxAbs('UnCLIPScheduler', name, golden.get(name).shape, table, golden.f32(name), TABLE_BAR);
    for (const name of golden.names) {
      const [role, steps, column] = name.split('.') as [string, string, string];
      if (column === 'timesteps') checkRun(golden, role, Number(steps), report);
    }
  }
  return left;
}

function checkRun(golden: GoldenFile, role: string, n: number, report: Report): void {
  const schedule = UnClipSchedule.fromJson(ROLES[role] ?? {});
  const steps = schedule.steps(n);
  const prefix = `${role}.${n}`;
  const column = (name: string, values: readonly number[], bar: number): void => {
    if (!golden.has(`${prefix}.${name}`)) return;
    report.maxAbs('UnCLIPScheduler', `${prefix}.${name}`, [n], values, golden.numbers(`${prefix}.${name}`), bar);
  };
  column(
    'timesteps',
    steps.map((s) => s.timestep),
    0,
  );
  column(
    'prev_timesteps',
    steps.map((s) => s.prevTimestep),
    0,
  );
  for (const [name, key] of Object.entries(COLUMNS))
    column(
      name,
      steps.map((s) => s[key]),
      TABLE_BAR,
    );
  if (golden.has(`${prefix}.step.samples`)) checkChain(golden, prefix, schedule, steps, report);
}

/** Every step from the stored sample before it. */
function checkChain(
  golden: GoldenFile,
  prefix: string,
  schedule: UnClipSchedule,
  steps: readonly UnClipStep[],
  report: Report,
): void {
  const samples = golden.get(`${prefix}.step.samples`);
  const outputs = golden.get(`${prefix}.step.model_outputs`);
  const noise = golden.f32(`${prefix}.step.noise`);
  const [, , channels, height, width] = samples.shape as [number, number, number, number, number];
  const outChannels = outputs.shape[2]!;
  const positions = height * width;
  const part = (data: ArrayLike<number>, i: number, c: number): Float32Array => {
    const size = c * positions;
    return toChannelsLast(Array.prototype.slice.call(data, i * size, (i + 1) * size), 1, c, positions);
  };
  const chain = new Float32Array(samples.data.length);
  chain.set(samples.data.subarray(0, channels * positions));
  steps.forEach((step, i) => {
    const { sample } = stepReference(schedule.params(step), {
      sample: part(samples.data, i, channels),
      conditional: part(outputs.data, i, outChannels),
      noise: part(noise, i, channels),
      channels,
    });
    chain.set(toChannelsFirst(sample, 1, channels, positions), (i + 1) * channels * positions);
  });
  report.relL2('UnCLIPScheduler', `${prefix}.step.samples`, samples.shape, chain, samples.data, CHAIN_BAR);
}

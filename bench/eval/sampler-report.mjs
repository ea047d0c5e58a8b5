import { machineLines, table } from '../../dist/cli/bench/cells.js';
import { isRight } from './score.mjs';
import { mean, wilson } from './statistics.mjs';

/**
 * @typedef {object} Drawn one picture
 * @property {number} prompt its place in the list
 * @property {import('./world.mjs').Wanted} wanted
 * @property {string} sampler
 * @property {string} [spacing] absent: the sampler's default
 * @property {number} steps
 * @property {number} [psnr] dB against the exact flow from the same noise
 * @property {Record<string, string>} seen
 * @property {number} probability that the checker gives to what was wanted
 */

/** @typedef {ReturnType<typeof makeSamplerReport>} SamplerReport */

/** @param {{ sampler: string, spacing?: string }} choice */
export const nameOf = ({ sampler, spacing }) => (spacing === undefined ? sampler : `${sampler}, ${spacing}`);

/** Standard error of a mean. @param {readonly number[]} values */
function standardError(values) {
  const m = mean(values);
  return Math.sqrt(values.reduce((sum, v) => sum + (v - m) ** 2, 0) / (values.length - 1) / values.length);
}

/**
 * @param {object} r
 * @param {ReturnType<typeof import('../../dist/bench/machine.js').describeMachine>} r.machine
 * @param {object} r.setting model, dtype, seed, guidance, reference
 * @param {readonly Drawn[]} r.drawn
 * @param {readonly { wanted: import('./world.mjs').Wanted, seen: Record<string, string>, probability: number }[]} r.real
 */
export function makeSamplerReport({ machine, setting, drawn, real }) {
  const names = [...new Set(drawn.map(nameOf))];
  const curves = names.map((name) => {
    const own = drawn.filter((d) => nameOf(d) === name);
    const points = [...new Set(own.map((d) => d.steps))].map((steps) => {
      const at = own.filter((d) => d.steps === steps);
      const right = at.filter(isRight).length;
      const probabilities = at.map((d) => d.probability);
      const psnrs = at.map((d) => d.psnr).filter((v) => v !== undefined);
      return {
        steps,
        pictures: at.length,
        right,
        ...wilson(right, at.length),
        probability: mean(probabilities),
        probabilityError: standardError(probabilities),
        ...(psnrs.length > 0 ? { psnr: mean(psnrs), psnrPictures: psnrs.length } : {}),
      };
    });
    return { name, points };
  });
  const probabilities = real.map((r) => r.probability);
  return {
    machine,
    setting,
    curves,
    real: { pictures: real.length, right: real.filter(isRight).length, probability: mean(probabilities) },
    pictures: drawn.map(({ prompt, wanted, sampler, spacing, steps, seen, probability, psnr }) => ({
      prompt,
      wanted: `${wanted.colour} ${wanted.thing}, ${wanted.place}`,
      seen: `${seen.colour} ${seen.thing}, ${seen.place}`,
      sampler,
      spacing,
      steps,
      probability: Number(probability.toFixed(4)),
      psnr: psnr === undefined ? undefined : Number(psnr.toFixed(2)),
    })),
  };
}

/** @param {SamplerReport} r */
export function printSamplerReport({ machine, setting, curves, real }) {
  const steps = curves[0].points.map((p) => p.steps);
  const rows = (cell) => curves.map(({ name, points }) => [name, ...points.map(cell)]);
  const head = (what) => [what, ...steps.map((n) => `${n} steps`)];
  const error = Math.max(...curves.flatMap((c) => c.points.map((p) => p.probabilityError)));
  console.log(`${machineLines(machine).join('\n')}
model     ${setting.model} (${setting.modelHash.slice(0, 12)}), ${setting.dtype}, seed ${setting.seed}; decoder alone, guidance ${setting.guidance}

${table(
  head('all three right'),
  rows((p) => `${p.right}/${p.pictures}`),
)}
real renders ${real.right}/${real.pictures}

${table(
  head('probability of what was wanted'),
  rows((p) => p.probability.toFixed(3)),
)}
real renders ${real.probability.toFixed(3)}; standard errors up to ${error.toFixed(3)}

${table(
  head('dB from the exact flow'),
  rows((p) => (p.psnr === undefined ? '' : p.psnr.toFixed(1))),
)}`);
}

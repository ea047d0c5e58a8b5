// npm run eval:samplers [-- --model DIR --checker DIR --prompts N --flow N --minutes M --seed S --dtype f32|f16 --json FILE --plot WEBP]
// Draws held-out prompts at the decoder's size with each sampler at several numbers of steps. bench/notes/samplers.md says how to read it.
import { existsSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { describeMachine } from '../dist/bench/machine.js';
import { Unclip } from '../dist/index.js';
import { Checker } from './eval/checker.mjs';
import { DecoderRuns } from './eval/decoder-runs.mjs';
import { below, fail, oneOf, readOptions, wholeNumber } from './eval/options.mjs';
import { psnrOfBytes } from './eval/pixels.mjs';
import { writeSamplerPlot } from './eval/sampler-plot.mjs';
import { makeSamplerReport, printSamplerReport } from './eval/sampler-report.mjs';
import { heldOut, render } from './eval/world.mjs';

const values = readOptions(
  'npm run eval:samplers -- [--model DIR] [--checker DIR] [--prompts N] [--flow N] [--minutes M] [--seed S] [--dtype auto|f32|f16] [--json FILE] [--plot WEBP]',
  {
    checker: { type: 'string', default: below('models', 'checker') },
    prompts: { type: 'string', default: '40' },
    flow: { type: 'string', default: '6' },
    minutes: { type: 'string', default: '60' },
    seed: { type: 'string', default: '1' },
    dtype: { type: 'string', default: 'auto' },
    json: { type: 'string' },
    plot: { type: 'string' },
  },
);
const seed = wholeNumber(values, 'seed', 0);
const prompts = heldOut(wholeNumber(values, 'prompts', 1), seed);
const flowPrompts = wholeNumber(values, 'flow', 0);
const minutes = wholeNumber(values, 'minutes', 1);
const dtype = oneOf(values, 'dtype', ['auto', 'f32', 'f16']);
if (!existsSync(join(values.checker, 'config.json')))
  fail(`${values.checker} holds no checker; give its folder with --checker`);

const STEPS = [2, 3, 4, 6, 10, 20];

/** Each sampler with its default spacing, on every prompt. */
const JUDGED = [{ sampler: 'unclip' }, { sampler: 'ddim' }, { sampler: 'dpm++2m' }, { sampler: 'euler' }];

/** The second-order solver's other spacings, on the prompts whose distance from the exact flow is measured. */
const FLOW_ONLY = [
  { sampler: 'dpm++2m', spacing: 'uniform' },
  { sampler: 'dpm++2m', spacing: 'karras' },
];

/** What stands for the exact flow: the second-order solver at many steps. */
const REFERENCE = { steps: 60, choice: { sampler: 'dpm++2m', spacing: 'karras' } };

const loadAverage = loadavg()[0];
const unclip = await Unclip.load(values.model, { dtype, batchSize: 1 });
const checker = new Checker(values.checker, unclip.runtime);
const runs = new DecoderRuns(unclip);
try {
  const machine = describeMachine(unclip.adapter, unclip.runtime.device.caps, loadAverage);
  const drawn = [];
  const real = [];
  const begin = performance.now();
  for (const [k, wanted] of prompts.entries()) {
    if (k > 0 && performance.now() - begin > minutes * 60e3) break;
    await runs.begin(wanted.prompt, seed * prompts.length + k);
    const flow = k < flowPrompts;
    const exact = flow ? await runs.draw(REFERENCE.steps, REFERENCE.choice) : undefined;
    for (const choice of [...JUDGED, ...(flow ? FLOW_ONLY : [])])
      for (const steps of STEPS) {
        const picture = await runs.draw(steps, choice);
        const psnr = exact === undefined ? undefined : psnrOfBytes(picture.data, exact.data);
        drawn.push({ prompt: k, wanted, ...choice, steps, psnr, ...(await checker.judge(picture, wanted)) });
      }
    real.push({ wanted, ...(await checker.judge(await render(wanted, seed * prompts.length + k), wanted)) });
    const minutesGone = (performance.now() - begin) / 60e3;
    process.stderr.write(`${k + 1} of ${prompts.length} prompts, ${minutesGone.toFixed(1)} minutes\n`);
  }
  const { defaults } = unclip.model.info;
  const setting = {
    model: values.model,
    modelHash: unclip.model.hash,
    dtype: unclip.dtype,
    seed,
    guidance: defaults.decoderGuidanceScale,
    reference: REFERENCE,
  };
  const report = makeSamplerReport({ machine, setting, drawn, real });
  printSamplerReport(report);
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(report, null, 1)}\n`);
  if (values.plot !== undefined) await writeSamplerPlot(report, values.plot);
} finally {
  runs.close();
  checker.close();
  await unclip.dispose();
}

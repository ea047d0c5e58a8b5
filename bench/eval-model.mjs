// npm run eval:model [-- --model DIR --prior diffusion|ar --checker DIR --prompts N --buses N --pairs N --seed S --dtype f32|f16 --sheet PNG --json FILE]
// Draws prompts that training held out and lets the checker name thing, colour and place. README.md says how to read it.
import { existsSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { describeMachine } from '../dist/bench/machine.js';
import { Unclip } from '../dist/index.js';
import { PRIORS } from '../dist/pipelines/settings.js';
import { Checker } from './eval/checker.mjs';
import { below, fail, oneOf, readOptions, wholeNumber } from './eval/options.mjs';
import { makeReport, printReport } from './eval/report.mjs';
import { writeSheet } from './eval/sheet.mjs';
import { judgeUpsampler } from './eval/upsampler.mjs';
import { greenBuses, heldOut, render } from './eval/world.mjs';

const values = readOptions(
  'npm run eval:model -- [--model DIR] [--prior diffusion|ar] [--checker DIR] [--prompts N] [--buses N] [--pairs N] [--seed S] [--dtype auto|f32|f16] [--sheet PNG] [--json FILE]',
  {
    prior: { type: 'string', default: 'diffusion' },
    checker: { type: 'string', default: below('models', 'checker') },
    prompts: { type: 'string', default: '200' },
    buses: { type: 'string', default: '40' },
    pairs: { type: 'string', default: '20' },
    seed: { type: 'string', default: '1' },
    dtype: { type: 'string', default: 'auto' },
    sheet: { type: 'string' },
    json: { type: 'string' },
  },
);
const seed = wholeNumber(values, 'seed', 0);
const wanted = {
  heldOut: heldOut(wholeNumber(values, 'prompts', 1), seed),
  buses: greenBuses(wholeNumber(values, 'buses', 1), seed),
};
const pairs = wholeNumber(values, 'pairs', 0);
const dtype = oneOf(values, 'dtype', ['auto', 'f32', 'f16']);
const prior = oneOf(values, 'prior', PRIORS);
if (!existsSync(join(values.checker, 'config.json')))
  fail(`${values.checker} holds no checker; give its folder with --checker`);

/** Pictures of the sheet: four rows of held-out prompts, one of buses. */
const SHEET = { heldOut: 32, buses: 8 };

const loadAverage = loadavg()[0];
const unclip = await Unclip.load(values.model, { dtype, batchSize: 1 });
const checker = new Checker(values.checker, unclip.runtime);
try {
  const machine = describeMachine(unclip.adapter, unclip.runtime.device.caps, loadAverage);
  const total = wanted.heldOut.length + wanted.buses.length;
  const rendered = { heldOut: [], buses: [] };
  const drawn = { heldOut: [], buses: [] };
  for (const group of ['heldOut', 'buses'])
    for (const [i, w] of wanted[group].entries())
      rendered[group].push({ wanted: w, seen: await checker.look(await render(w, seed * total + i)) });

  const { superResSize } = unclip.model.configs;
  const renders = await Promise.all(heldOut(pairs, seed).map((w, i) => render(w, seed * total + i)));
  const upsampler =
    pairs === 0 || renders[0].width !== superResSize ? undefined : await judgeUpsampler(unclip, renders, seed);

  let done = 0;
  let settings;
  let priorMs = 0;
  const start = performance.now();
  for (const group of ['heldOut', 'buses'])
    for (const w of wanted[group]) {
      // Seed and prompt are the same for the same place in the list: a figure can be had again.
      const { images, timings } = await unclip.generate({ prompt: w.prompt, seed: seed * total + done, prior });
      priorMs += timings.find(({ stage }) => stage === 'prior').ms;
      const { width, height, data, parameters } = images[0];
      settings = { prior, steps: parameters.steps, guidance: parameters.guidance };
      const picture = { width, height, channels: 4, data };
      const seen = await checker.look(picture);
      const keep = drawn[group].length < SHEET[group] ? { picture } : {};
      drawn[group].push({ wanted: w, seen, ...keep });
      done++;
      const left = ((performance.now() - start) / done / 1e3) * (total - done);
      if (done % 10 === 0) process.stderr.write(`${done} of ${total} pictures, ${left.toFixed(0)} s left\n`);
    }
  const seconds = (performance.now() - start) / 1e3;
  const setting = { model: values.model, modelHash: unclip.model.hash, dtype: unclip.dtype, seed, ...settings };
  const report = makeReport({ machine, setting, drawn, rendered, upsampler, seconds, priorMs });
  printReport(report);
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(report, null, 2)}\n`);
  if (values.sheet !== undefined) {
    await writeSheet(
      [...drawn.heldOut, ...drawn.buses].filter((d) => d.picture !== undefined),
      values.sheet,
    );
    console.log(`sheet     ${values.sheet}`);
  }
} finally {
  checker.close();
  await unclip.dispose();
}

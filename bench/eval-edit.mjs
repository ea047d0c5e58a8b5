// npm run eval:edit [-- --model DIR --checker DIR --edits N --seed S --resample R --jump J --steps N --guidance G --dtype f32|f16 --sheet PNG --json FILE]
// Adds things to empty places and lets the checker say what it sees. README.md says how to read it.
import { existsSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { describeMachine } from '../dist/bench/machine.js';
import { Unclip } from '../dist/index.js';
import { Checker } from './eval/checker.mjs';
import { makeEditReport, printEditReport } from './eval/edit-report.mjs';
import { changedOutside, edits, emptyPlace, regionMask, seamStep } from './eval/edits.mjs';
import { below, fail, oneOf, readOptions, wholeNumber } from './eval/options.mjs';
import { writeSheet } from './eval/sheet.mjs';

const values = readOptions(
  'npm run eval:edit -- [--model DIR] [--checker DIR] [--edits N] [--seed S] [--resample R] [--jump J] [--steps N] [--guidance G] [--dtype auto|f32|f16] [--sheet PNG] [--json FILE]',
  {
    checker: { type: 'string', default: below('models', 'checker') },
    edits: { type: 'string', default: '60' },
    seed: { type: 'string', default: '1' },
    resample: { type: 'string' },
    jump: { type: 'string' },
    steps: { type: 'string' },
    guidance: { type: 'string' },
    dtype: { type: 'string', default: 'auto' },
    sheet: { type: 'string' },
    json: { type: 'string' },
  },
);
const seed = wholeNumber(values, 'seed', 0);
const wanted = edits(wholeNumber(values, 'edits', 1), seed);
const given = (name) => (values[name] === undefined ? undefined : wholeNumber(values, name, 1));
const settings = {
  resample: given('resample'),
  jump: given('jump'),
  decoderSteps: given('steps'),
  decoderGuidanceScale: values.guidance === undefined ? undefined : Number(values.guidance),
};
const dtype = oneOf(values, 'dtype', ['auto', 'f32', 'f16']);
if (!existsSync(join(values.checker, 'config.json')))
  fail(`${values.checker} holds no checker; give its folder with --checker`);

const loadAverage = loadavg()[0];
const unclip = await Unclip.load(values.model, { dtype, batchSize: 1 });
const checker = new Checker(values.checker, unclip.runtime);
try {
  const machine = describeMachine(unclip.adapter, unclip.runtime.device.caps, loadAverage);
  const judged = [];
  let parameters;
  const start = performance.now();
  for (const [i, w] of wanted.entries()) {
    // Place, mask and seed are the same for the same number of an edit: a figure can be had again.
    const number = seed * 100_000 + i;
    const before = await emptyPlace(w.place, number);
    const mask = regionMask(w.place, number);
    const { images } = await unclip.edit({ picture: before, mask, prompt: w.prompt, seed: number, ...settings });
    const picture = { width: images[0].width, height: images[0].height, channels: 4, data: images[0].data };
    ({ parameters } = images[0]);
    const seen = await checker.look(picture);
    const outside = changedOutside(before, mask, picture);
    judged.push({ wanted: w, seen, picture, outside, seam: seamStep(before, mask, picture) });
    const done = i + 1;
    const left = ((performance.now() - start) / done / 1e3) * (wanted.length - done);
    if (done % 10 === 0) process.stderr.write(`${done} of ${wanted.length} edits, ${left.toFixed(0)} s left\n`);
  }
  const seconds = (performance.now() - start) / 1e3;
  const { steps, guidance, edit } = parameters;
  const setting = { model: values.model, modelHash: unclip.model.hash, dtype: unclip.dtype, seed, steps, guidance };
  const { resample, jump } = edit;
  const report = makeEditReport({ machine, setting: { ...setting, resample, jump }, judged, seconds });
  printEditReport(report);
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(report, null, 2)}\n`);
  if (values.sheet !== undefined) {
    await writeSheet(judged, values.sheet);
    console.log(`sheet     ${values.sheet}`);
  }
} finally {
  checker.close();
  await unclip.dispose();
}

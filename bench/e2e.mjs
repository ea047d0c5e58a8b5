// npm run bench:e2e [-- --model DIR --batch N --dtype f32|f16 --variants portable|default --pictures N --runs N --cold yes|no --json FILE]
// Draws on a model and prints time, work and memory of every stage, then a verdict for every bar. README.md says what is what.
import { existsSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { Unclip } from '../dist/index.js';
import { verdicts } from './lib/bars.mjs';
import { coldProcessMs, DEMO_PROMPT } from './lib/cold-process.mjs';
import { distinctStateBytes, networkRows } from './lib/floors.mjs';
import { describeMachine } from './lib/machine.mjs';
import { memoryOverPictures } from './lib/memory.mjs';
import { oneOf, ROOT, readOptions, wholeNumber } from './lib/options.mjs';
import { profileRuns } from './lib/profile-run.mjs';
import { printReport } from './lib/report.mjs';

const values = readOptions(
  'npm run bench:e2e -- [--model DIR] [--batch N] [--dtype auto|f32|f16] [--variants default|portable] [--pictures N] [--runs N] [--cold yes|no] [--adapter auto|hardware|software] [--json FILE]',
  {
    batch: { type: 'string', default: '1' },
    dtype: { type: 'string', default: 'auto' },
    variants: { type: 'string', default: 'default' },
    pictures: { type: 'string', default: '20' },
    runs: { type: 'string', default: '3' },
    cold: { type: 'string', default: 'yes' },
    adapter: { type: 'string', default: 'auto' },
    json: { type: 'string' },
  },
);
const batch = wholeNumber(values, 'batch', 1);
const pictures = wholeNumber(values, 'pictures', 0);
const runs = wholeNumber(values, 'runs', 1);
const dtype = oneOf(values, 'dtype', ['auto', 'f32', 'f16']);
const variants = oneOf(values, 'variants', ['default', 'portable']);
const cold = oneOf(values, 'cold', ['yes', 'no']);
const adapter = oneOf(values, 'adapter', ['auto', 'hardware', 'software']);

/** @param {string} text */
const note = (text) => process.stderr.write(`${text}\n`);

/** With the driver's cache empty, then with it filled: the second run fills it, the third finds it so. */
async function measureColdProcess() {
  const none = { ms: undefined, emptyCacheMs: undefined };
  if (cold === 'no') return { ...none, reason: '--cold no' };
  if (!existsSync(join(ROOT, 'dist', 'cli', 'main.js'))) return { ...none, reason: 'dist/cli/main.js is not there' };
  if (variants !== 'default') return { ...none, reason: 'the command line takes no variants' };
  try {
    const emptyCacheMs = await coldProcessMs({ model: values.model, dtype, emptyCache: true });
    await coldProcessMs({ model: values.model, dtype, emptyCache: false });
    const ms = await coldProcessMs({ model: values.model, dtype, emptyCache: false });
    return { ms, emptyCacheMs, reason: undefined };
  } catch (error) {
    return { ...none, reason: error.message };
  }
}

const loadAverage = loadavg()[0];
note('cold processes ...');
const coldProcess = await measureColdProcess();

note('load and first picture ...');
const request = { prompt: DEMO_PROMPT, n: batch, seed: 1 };
const start = performance.now();
const unclip = await Unclip.load(values.model, {
  dtype,
  adapter,
  batchSize: batch,
  variants: variants === 'default' ? undefined : variants,
});
const openMs = performance.now() - start;
try {
  const machine = describeMachine(unclip.adapter, loadAverage);
  const first = performance.now();
  const { images, timings } = await unclip.generate(request);
  const prepareMs = timings.find((t) => t.stage === 'load').ms;
  const firstMs = performance.now() - first - prepareMs;

  note('profile ...');
  const profile = await profileRuns(unclip, request, runs);
  const memory =
    pictures === 0
      ? undefined
      : await memoryOverPictures(unclip, request, pictures, (done) => note(`memory, picture ${done} of ${pictures}`));

  const { steps, guidance } = images[0].parameters;
  const report = {
    machine,
    setting: {
      model: values.model,
      modelHash: unclip.model.hash,
      dtype: unclip.dtype,
      variants,
      batch,
      settings: { steps, guidance },
    },
    load: { openMs, prepareMs, readyMs: openMs + prepareMs },
    firstMs,
    totalMs: profile.totalMs,
    jsShare: profile.jsShare,
    stages: profile.stages,
    networks: networkRows(profile.programs),
    bytes: {
      arena: unclip.runtime.arena.bytes,
      weights: unclip.runtime.residency.bytes,
      state: distinctStateBytes(profile.programs),
      peakRss: process.resourceUsage().maxRSS * 1024,
    },
    memory,
    coldProcess,
  };
  printReport(report);
  if (values.json !== undefined)
    writeFileSync(values.json, `${JSON.stringify({ ...report, verdicts: verdicts(report) }, null, 2)}\n`);
} finally {
  await unclip.dispose();
}

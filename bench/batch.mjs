// npm run bench:batch [-- --model DIR --sizes 1,2,4,8 --pictures N --rounds N --dtype auto|f32|f16 --json FILE]
// Pictures a second against batch size: the bare engine (`Unclip.generate`), and the scheduler that batch runs and the service draw with.
// Both take turns in every round, in one process and on one device, and ratios are of the same round.
import { writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { describeMachine } from '../dist/bench/machine.js';
import { median } from '../dist/bench/statistics.js';
import { Unclip } from '../dist/index.js';
import { fail, oneOf, readOptions, wholeNumber } from './eval/options.mjs';

const values = readOptions(
  'npm run bench:batch -- [--model DIR] [--sizes 1,2,4,8] [--pictures N] [--rounds N] [--dtype auto|f32|f16] [--json FILE]',
  {
    sizes: { type: 'string', default: '1,2,4,8' },
    pictures: { type: 'string', default: '8' },
    rounds: { type: 'string', default: '3' },
    dtype: { type: 'string', default: 'auto' },
    json: { type: 'string' },
  },
);
const sizes = values.sizes.split(',').map(Number);
if (sizes.some((size) => !Number.isInteger(size) || size < 1)) fail(`--sizes is '${values.sizes}': give 1,2,4,8`);
const pictures = wholeNumber(values, 'pictures', 1);
const rounds = wholeNumber(values, 'rounds', 1);
const dtype = oneOf(values, 'dtype', ['auto', 'f32', 'f16']);
const PROMPT = 'a green school bus parked in a parking lot';

/** Draws all pictures and tells how long it took, and how long the event loop was held up. */
async function timed(draw) {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const begin = performance.now();
  await draw();
  const ms = performance.now() - begin;
  delay.disable();
  return { perSecond: (1000 * pictures) / ms, loopP99Ms: delay.percentile(99) / 1e6 };
}

const [load] = loadavg();
const rows = [];
let machine;
for (const size of sizes) {
  const unclip = await Unclip.load(values.model, { dtype, batchSize: size });
  const scheduler = unclip.scheduler();
  machine ??= describeMachine(unclip.adapter, unclip.runtime.device.caps, load);
  const { defaults } = unclip.model.info;
  const ways = {
    engine: () => unclip.generate({ prompt: PROMPT, n: pictures, seed: 1 }),
    scheduler: () =>
      Promise.all(
        scheduler.submit(
          Array.from({ length: pictures }, (_, k) => ({ prompt: PROMPT, seed: 1 + k })),
          { settings: defaults },
        ),
      ),
  };
  // Kernels are compiled and programs made before the clock counts.
  for (const draw of Object.values(ways)) await draw();
  const found = { engine: [], scheduler: [] };
  for (let round = 0; round < rounds; round++) {
    const order = Object.entries(ways);
    if (round % 2 === 1) order.reverse();
    for (const [name, draw] of order) found[name].push(await timed(draw));
    process.stderr.write(`batch ${size}, round ${round + 1} of ${rounds}\n`);
  }
  const { decoder } = scheduler.metrics().stages;
  const of = (name, key) => median(found[name].map((r) => r[key]));
  rows.push({
    batchSize: size,
    enginePerSecond: of('engine', 'perSecond'),
    schedulerPerSecond: of('scheduler', 'perSecond'),
    ratio: median(found.scheduler.map((r, i) => r.perSecond / found.engine[i].perSecond)),
    reachedBatch: decoder.pictures / decoder.batches,
    engineLoopP99Ms: of('engine', 'loopP99Ms'),
    schedulerLoopP99Ms: of('scheduler', 'loopP99Ms'),
  });
  await scheduler.close();
  await unclip.dispose();
}

const cell = (value, digits = 3) => value.toFixed(digits).padStart(12);
console.log(
  `${machine.adapter.name}, load before ${load.toFixed(1)}, ${pictures} pictures, median of ${rounds} rounds`,
);
console.log('batch   engine, /s  scheduler, /s  scheduler:engine  batch reached  loop p99, ms: engine  scheduler');
for (const r of rows)
  console.log(
    `${String(r.batchSize).padStart(5)} ${cell(r.enginePerSecond)}   ${cell(r.schedulerPerSecond)}      ${cell(r.ratio)}   ${cell(r.reachedBatch, 2)}          ${cell(r.engineLoopP99Ms, 1)} ${cell(r.schedulerLoopP99Ms, 1)}`,
  );
if (values.json !== undefined)
  writeFileSync(values.json, `${JSON.stringify({ machine, pictures, rounds, rows }, null, 2)}\n`);

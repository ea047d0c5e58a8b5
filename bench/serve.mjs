// npm run bench:serve [-- --model DIR --batch-size N --pictures N --rates 0.5,0.8,1,1.5 --steps N --seed S --json FILE]
// A running `unclip serve` under load: pictures per second with always enough to do, beside those of the engine without it; then
// requests that arrive at random moments (Poisson) at several shares of that rate, whether or not earlier ones are answered.
import { writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { describeMachine } from '../dist/bench/machine.js';
import { Unclip } from '../dist/index.js';
import { quantile } from '../dist/util/statistics.js';
import { fail, readOptions, wholeNumber } from './eval/options.mjs';
import { meanBatch, Service } from './serve/service.mjs';
import { uniform } from './serve/uniform.mjs';

const USAGE =
  'npm run bench:serve -- [--model DIR] [--batch-size N] [--pictures N] [--rates R,R…] [--steps N] [--seed S] [--json FILE]';
const values = readOptions(USAGE, {
  'batch-size': { type: 'string', default: '4' },
  pictures: { type: 'string', default: '24' },
  rates: { type: 'string', default: '0.5,0.8,1,1.5' },
  steps: { type: 'string', default: '0' },
  seed: { type: 'string', default: '1' },
  json: { type: 'string' },
});
const batchSize = wholeNumber(values, 'batch-size', 1);
const pictures = wholeNumber(values, 'pictures', batchSize);
const steps = wholeNumber(values, 'steps', 0);
const seed = wholeNumber(values, 'seed', 0);
const rates = values.rates.split(',').map(Number);
if (!rates.every((rate) => rate > 0)) fail(`--rates is '${values.rates}': give numbers above 0, such as 0.5,1`);

/** Bounded queue of the service: two rounds of full batches. */
const MAX_QUEUE = 2 * batchSize;

const prompt = 'a red ball on the grass';
const chosen = steps === 0 ? {} : { num_inference_steps: steps };
const body = (k) => ({ prompt, seed: k, ...chosen });

/** Pictures per second of the engine alone, after a batch that compiles its kernels. */
async function bareRate() {
  const unclip = await Unclip.load(values.model, { batchSize });
  try {
    const request = { prompt, ...(steps === 0 ? {} : { decoderSteps: steps }) };
    await unclip.generate({ ...request, n: batchSize, seed: 0 });
    const begin = performance.now();
    const n = Math.ceil(pictures / batchSize) * batchSize;
    await unclip.generate({ ...request, n, seed: 1 });
    const machine = describeMachine(unclip.adapter, unclip.runtime.device.caps, loadavg()[0]);
    return { machine, rate: n / ((performance.now() - begin) / 1000) };
  } finally {
    await unclip.dispose();
  }
}

/** Pictures per second of the service with two full batches always under way. */
async function saturatedRate(service) {
  await Promise.all(Array.from({ length: 2 * batchSize }, (_, k) => service.draw(body(k))));
  const before = await service.metrics();
  const begin = performance.now();
  let next = 0;
  const client = async () => {
    while (next < pictures) await service.draw(body(next++));
  };
  await Promise.all(Array.from({ length: 2 * batchSize }, client));
  const rate = pictures / ((performance.now() - begin) / 1000);
  return { rate, batch: meanBatch(before, await service.metrics()) };
}

/** Requests of one picture at random moments, `rate` a second on average. */
async function openLoop(service, rate) {
  const random = uniform(seed);
  const before = await service.metrics();
  const begin = performance.now();
  const answers = [];
  let due = begin;
  for (let k = 0; k < pictures; k++) {
    due += (-Math.log(random()) / rate) * 1000;
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - performance.now())));
    answers.push(service.draw(body(k)));
  }
  const done = await Promise.all(answers);
  const seconds = (performance.now() - begin) / 1000;
  const after = await service.metrics();
  const drawn = done.filter(({ status }) => status === 200).map(({ ms }) => ms / 1000);
  const rejected = done.filter(({ status }) => status === 429).length;
  return {
    rate,
    drawn: drawn.length,
    rejected,
    failed: done.length - drawn.length - rejected,
    perSecond: drawn.length / seconds,
    batch: meanBatch(before, after),
    latency: Object.fromEntries([0.5, 0.95, 0.99].map((q) => [`p${100 * q}`, quantile(drawn, q)])),
    eventLoopP99Ms: 1000 * (after.get('nodejs_eventloop_lag_p99_seconds') ?? Number.NaN),
  };
}

const { machine, rate: bare } = await bareRate();
const args = ['--model', values.model, '--batch-size', String(batchSize), '--max-queue', String(MAX_QUEUE)];
const service = await Service.start(args);
try {
  const saturated = await saturatedRate(service);
  const share = saturated.rate / bare;
  console.log(`engine alone        ${bare.toFixed(3)} pictures/s at batch ${batchSize}`);
  console.log(
    `service, saturated  ${saturated.rate.toFixed(3)} pictures/s at batch ${saturated.batch.toFixed(2)}: ${share.toFixed(2)} of it`,
  );
  console.log('arrivals/s  drawn  429  failed  pictures/s  batch  p50 s  p95 s  p99 s  loop p99 ms');
  const loads = [];
  for (const part of rates) {
    const load = await openLoop(service, part * saturated.rate);
    loads.push({ part, ...load });
    const { p50, p95, p99 } = load.latency;
    const cells = [
      load.rate.toFixed(3).padStart(10),
      String(load.drawn).padStart(5),
      String(load.rejected).padStart(3),
      String(load.failed).padStart(6),
      load.perSecond.toFixed(3).padStart(10),
      load.batch.toFixed(2).padStart(5),
      ...[p50, p95, p99].map((s) => s.toFixed(2).padStart(5)),
      load.eventLoopP99Ms.toFixed(1).padStart(11),
    ];
    console.log(cells.join('  '));
  }
  if (values.json !== undefined) {
    const report = {
      machine,
      model: values.model,
      batchSize,
      pictures,
      steps,
      seed,
      maxQueue: MAX_QUEUE,
      bare,
      saturated,
      loads,
    };
    writeFileSync(values.json, `${JSON.stringify(report, null, 2)}\n`);
  }
} finally {
  await service.stop();
}

// npm run bench:soak [-- --model DIR --requests 1000 --batch-size N --load 2 --losses 2 --seed S --json FILE]
// A day in the life of a service, in minutes: mixed requests at random moments, at a multiple of what it can draw, with readers that
// leave, bodies that are wrong, and a device that is lost on the way. Fails when an accepted request got no picture, when a picture
// differs from the one drawn for the same request before, or when the service ends.
import { fork } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { describeMachine } from '../dist/bench/machine.js';
import { quantile } from '../dist/util/statistics.js';
import { readOptions, wholeNumber } from './eval/options.mjs';
import { broughtPictures, kindOf, picturesOf, send } from './serve/mixed-requests.mjs';
import { uniform } from './serve/uniform.mjs';

const values = readOptions(
  'npm run bench:soak -- [--model DIR] [--requests N] [--batch-size N] [--load X] [--losses N] [--seed S] [--json FILE]',
  {
    requests: { type: 'string', default: '1000' },
    'batch-size': { type: 'string', default: '4' },
    load: { type: 'string', default: '2' },
    losses: { type: 'string', default: '2' },
    seed: { type: 'string', default: '1' },
    json: { type: 'string' },
  },
);
const requests = wholeNumber(values, 'requests', 10);
const batchSize = wholeNumber(values, 'batch-size', 1);
const load = Number(values.load);
const losses = wholeNumber(values, 'losses', 0);
const random = uniform(wholeNumber(values, 'seed', 0));

/** Of the model's pictures; those that requests bring have the same. */
const SIDE = 256;
const REPORT_EVERY_MS = 10_000;

const server = fileURLToPath(new URL('serve/soak-server.mjs', import.meta.url));
const child = fork(server, [values.model, String(batchSize), String(2 * batchSize)]);
let ended = false;
const closed = new Promise((resolve) =>
  child.once('close', (code) => {
    ended = true;
    resolve(code);
  }),
);
const answer = () => new Promise((resolve) => child.once('message', resolve));
const report = () => {
  const told = answer();
  child.send('report');
  return told;
};
const [load0] = loadavg();
const { url, adapter, caps } = await answer();
const brought = await broughtPictures(SIDE);

/** Pictures a second with always enough to do, in this mix of requests without those that leave or are wrong. */
async function capacity() {
  const draw = async (count) => {
    let next = 0;
    let pictures = 0;
    const client = async () => {
      for (let i = next++; i < count; i = next++) {
        const kind = ['whole', 'whole', 'whole', 'stream'][i % 4];
        const { outcome } = await send(url, kind, i, random, brought);
        if (outcome !== 'drawn') throw new Error(`while measuring capacity: ${outcome}`);
        pictures += picturesOf(kind, i);
      }
    };
    await Promise.all(Array.from({ length: batchSize }, client));
    return pictures;
  };
  await draw(2 * batchSize);
  const begin = performance.now();
  return (await draw(8 * batchSize)) / ((performance.now() - begin) / 1000);
}

const most = await capacity();
const kinds = Array.from({ length: requests }, () => kindOf(random));
const wanted = kinds.reduce((sum, kind, i) => sum + picturesOf(kind, i), 0) / requests;
const perSecond = (load * most) / wanted;
console.log(`capacity ${most.toFixed(2)} pictures/s; ${requests} requests, ${perSecond.toFixed(2)} a second`);

await report();
const reports = [];
/** Places in `reports` at which a device was lost. */
const lostAt = [];
const timer = setInterval(async () => reports.push(await report()), REPORT_EVERY_MS);
const begin = performance.now();
const running = [];
let due = begin;
for (const [i, kind] of kinds.entries()) {
  due += (-Math.log(random()) / perSecond) * 1000;
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - performance.now())));
  if (ended) break;
  running.push(send(url, kind, i, random, brought));
  for (let k = 1; k <= losses; k++) {
    if (i !== Math.floor((k * requests) / (losses + 1))) continue;
    child.send('lose the device');
    lostAt.push(reports.length);
  }
}
const answers = await Promise.all(running);
const seconds = (performance.now() - begin) / 1000;
clearInterval(timer);
reports.push(await report());

const outcomes = {};
for (const { kind, outcome } of answers) {
  const name = outcome.startsWith('LOST') ? 'LOST' : outcome;
  outcomes[kind] ??= {};
  outcomes[kind][name] = (outcomes[kind][name] ?? 0) + 1;
}
const lost = answers.filter(({ outcome }) => outcome.startsWith('LOST'));
const known = new Map();
let different = 0;
for (const { digest } of answers) {
  if (digest === undefined) continue;
  if (known.has(digest.key) && known.get(digest.key) !== digest.bytes) different++;
  known.set(digest.key, digest.bytes);
}
const drawn = answers.filter(({ outcome }) => outcome === 'drawn').map(({ ms }) => ms / 1000);
const latency = Object.fromEntries([0.5, 0.95, 0.99].map((q) => [`p${100 * q}`, quantile(drawn, q)]));
const mib = (bytes) => Math.round(bytes / 2 ** 20);
// A lost device takes its memory with it, and the next one fills up anew: what counts is whether it then needs more.
const highestMiB = [0, ...lostAt].map((from, k) => {
  const stretch = reports.slice(from, lostAt[k]);
  return mib(Math.max(...stretch.map(({ rss }) => rss)));
});
const loop = reports.map(({ loopP99Ms }) => loopP99Ms);

console.table(outcomes);
console.log(
  `${seconds.toFixed(0)} s; drawn: p50 ${latency.p50.toFixed(1)} s, p95 ${latency.p95.toFixed(1)} s, p99 ${latency.p99.toFixed(1)} s`,
);
console.log(`resident memory at its highest before, between and after the lost devices: ${highestMiB.join(', ')} MiB`);
console.log(
  `event loop p99 ${quantile(loop, 0.5).toFixed(1)} ms in the median 10 s, ${Math.max(...loop).toFixed(1)} ms in the worst`,
);
console.log(
  `${losses} devices lost; ${lost.length} requests lost; ${different} of ${known.size} pictures differed when drawn again`,
);
for (const { kind, outcome } of lost.slice(0, 10)) console.log(`  ${kind}: ${outcome}`);

child.send('end');
const code = await closed;
if (values.json !== undefined) {
  const machine = describeMachine(adapter, caps, load0);
  const result = {
    machine,
    model: values.model,
    batchSize,
    load,
    losses,
    capacity: most,
    requests,
    seconds,
    outcomes,
    lost: lost.length,
    different,
    latency,
    highestMiB,
    reports,
  };
  writeFileSync(values.json, `${JSON.stringify(result, null, 2)}\n`);
}
process.exitCode = lost.length > 0 || different > 0 || code !== 0 || running.length < requests ? 1 : 0;

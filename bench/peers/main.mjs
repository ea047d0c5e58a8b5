// npm run bench:peers [-- --engines LIST --only REGEX --suite auto|software|hardware --rounds N --tune SECONDS
//   --model DIR --torch FILE --json FILE]
// Times the same operations here and in other engines, side by side on one adapter. bench/README.md says how.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { addon } from '../../dist/native/addon.js';
import { operandsOf, suite } from './lib/cases.mjs';
import { EngineProcess } from './lib/engine-process.mjs';
import { hardwareVerdict, withTorch } from './lib/hardware.mjs';
import { installPeers } from './lib/install.mjs';
import { measureCase } from './lib/measure.mjs';
import { referenceOf } from './lib/reference.mjs';
import { caseReport, peerTables, remarks, SCHEMA, softwareVerdict } from './lib/report.mjs';
import { unetCase } from './unet.mjs';

const USAGE =
  'npm run bench:peers -- [--engines unclip,…] [--only REGEX] [--suite auto|software|hardware] [--rounds N] [--tune SECONDS] [--model DIR] [--torch FILE] [--json FILE]';
const ROOT = join(import.meta.dirname, '..', '..');
const OURS = 'unclip';
const PEERS = ['onnxruntime-webgpu', 'onnxruntime-cpu', 'tfjs-webgpu', 'jax-js'];

/** @param {string} text */
const note = (text) => process.stderr.write(`${text}\n`);

/** @param {string} message @returns {never} */
function fail(message) {
  note(message);
  process.exit(2);
}

function options() {
  try {
    const { values } = parseArgs({
      options: {
        engines: { type: 'string', default: [OURS, ...PEERS].join() },
        only: { type: 'string', default: '' },
        suite: { type: 'string', default: 'auto' },
        rounds: { type: 'string', default: '7' },
        tune: { type: 'string', default: '0' },
        model: { type: 'string', default: relative(process.cwd(), join(ROOT, 'models', 'bundled')) || '.' },
        torch: { type: 'string' },
        json: { type: 'string' },
      },
    });
    const rounds = Number(values.rounds);
    if (!Number.isInteger(rounds) || rounds < 1) fail(`--rounds is ${values.rounds}: give a whole number, at least 1`);
    const tune = Number(values.tune);
    if (!(tune >= 0)) fail(`--tune is ${values.tune}: give seconds a case, 0 for none`);
    if (!['auto', 'software', 'hardware'].includes(values.suite))
      fail(`--suite is ${values.suite}: give auto, software or hardware`);
    const peers = values.engines.split(',').filter((name) => name !== OURS);
    const unknown = peers.find((name) => !PEERS.includes(name));
    if (unknown !== undefined) fail(`--engines names '${unknown}': give some of ${[OURS, ...PEERS].join()}`);
    const torch = values.torch === undefined ? undefined : JSON.parse(readFileSync(values.torch, 'utf8'));
    if (torch !== undefined && torch.schema !== SCHEMA)
      fail(`${values.torch} is no result of torch_ops.py (${SCHEMA})`);
    return { ...values, rounds, tune, peers, torch, only: new RegExp(values.only) };
  } catch (error) {
    return fail(`${error.message}\nusage: ${USAGE}`);
  }
}

const { peers, rounds, only, torch, ...chosen } = options();
if (peers.length > 0 && (await installPeers())) note('installed the peers');

const engines = [];
const about = {};
try {
  for (const name of [OURS, ...peers]) {
    const engine = new EngineProcess(name, { tuneMs: 1e3 * chosen.tune });
    engines.push(engine);
    about[name] = await engine.start().catch((error) => ({ error: error.message }));
    if (about[name].error !== undefined) note(`${name} does not start: ${about[name].error}`);
  }
  if (about[OURS].error !== undefined) fail('there is nothing to compare with');
  const { machine } = about[OURS];
  const kind = chosen.suite === 'auto' ? (machine.adapter.software ? 'software' : 'hardware') : chosen.suite;
  const all = suite(kind);
  const wanted = [...all, unetCase(chosen.model)].filter((c) => only.test(c.id));
  if (wanted.length === 0) fail(`--only ${chosen.only} fits no case of the ${kind} suite`);

  const cases = [];
  for (const [i, c] of wanted.entries()) {
    note(`${i + 1} of ${wanted.length}: ${c.id}`);
    const able = engines.filter(({ name }) => {
      const { error, dtypes, unet } = about[name];
      return error === undefined && dtypes.includes(c.dtype) && (c.op !== 'unet' || unet);
    });
    const reference = c.op === 'unet' ? undefined : referenceOf(c, operandsOf(c), addon());
    for (const engine of able) await engine.revive().catch(({ message }) => note(message));
    const results = await measureCase(able, c, reference, rounds);
    const measured = Object.fromEntries(engines.map(({ name }) => [name, results[name] ?? { ms: [] }]));
    cases.push(caseReport(c, torch === undefined ? measured : withTorch(measured, c, torch)));
  }

  const operations = cases.filter((c) => c.op !== 'unet');
  const complete = operations.length === all.length;
  const verdicts = [];
  if (kind === 'software' && complete && peers.includes('onnxruntime-webgpu'))
    verdicts.push(softwareVerdict(operations));
  if (torch !== undefined) verdicts.push(hardwareVerdict(operations, torch));

  const versions = Object.entries(about).map(([name, { version }]) => `${name} ${version ?? '(absent)'}`);
  process.stdout.write(
    [
      `adapter   ${machine.adapter.name}`,
      `machine   ${machine.cpu}, ${machine.cores} cores, load ${machine.loadAverage.toFixed(2)} before the run, ${machine.date}`,
      `versions  ${versions.join(', ')}; Node ${machine.node}, npm webgpu ${machine.dawn}`,
      `method    milliseconds of a run on operands that stay on the device, median of ${rounds} alternating rounds; × = the peer's time over ours, range = over the rounds, processor × = the same of processor time`,
      '',
      ...peerTables(cases),
      ...remarks(cases),
      '',
      ...verdicts.flatMap(({ lines }) => lines),
      '',
    ].join('\n'),
  );
  if (chosen.json !== undefined) {
    const described = Object.fromEntries(Object.entries(about).map(([name, { machine: _, ...rest }]) => [name, rest]));
    const report = {
      schema: SCHEMA,
      machine,
      rounds,
      tuneSeconds: chosen.tune,
      suite: kind,
      engines: described,
      cases,
      verdicts: verdicts.map((v) => v.data),
    };
    mkdirSync(dirname(chosen.json), { recursive: true });
    writeFileSync(chosen.json, `${JSON.stringify(report, null, 2)}\n`);
  }
} finally {
  for (const engine of engines) engine.kill();
}

import { Command } from 'commander';
import { Device } from '../gpu/device.js';
import type { AdapterChoice } from '../gpu/find-adapter.js';
import { WEIGHT_FORMATS, type WeightFormat } from '../graph/quantize.js';
import { loadUnclipModel, type UnclipModel } from '../models/model-index.js';
import type { DeviceCaps } from '../ops/types.js';
import { Checkpoint } from '../pipelines/checkpoint.js';
import { type GraphReport, type MemoryReport, memoryReport, type ReportOptions } from '../pipelines/memory-report.js';
import { UnclipError } from '../util/errors.js';
import { modelFolder } from './models.js';
import { ADAPTER_HELP, byteCount, oneOf, WEIGHTS_HELP, wholeNumber } from './options.js';
import { formatBytes, formatCount, plural } from './ui/format.js';
import { formatTable } from './ui/table.js';
import { type CommandContext, printJson, printLine } from './ui/terminal.js';

interface InspectOptions {
  readonly batch: number;
  readonly dtype: 'auto' | 'f32' | 'f16';
  readonly weights: WeightFormat;
  readonly adapter?: AdapterChoice;
  readonly memory?: number;
  readonly guidance: boolean;
  readonly configsOnly?: boolean;
  readonly json?: boolean;
}

/** What every WebGPU adapter has: the ground for a plan where no adapter is there to be asked. */
const WEBGPU_DEFAULTS: DeviceCaps = {
  subgroupSize: 0,
  subgroups: false,
  subgroupMaxSize: 0,
  matrixConfigs: [],
  f16: true,
  software: false,
  maxBindingBytes: 128 * 2 ** 20,
  maxWorkgroupBytes: 16384,
  maxInvocations: 256,
};

const ASSUMED = "no adapter found: WebGPU's default limits are assumed";

/** `unclip inspect`: what a model consists of and what it needs to run, without running it. */
export function inspectCommand(context: CommandContext): Command {
  return new Command('inspect')
    .description('show the networks of a model folder and the memory they need')
    .argument('[folder]', 'model folder (default: the bundled model)', 'bundled')
    .option('--batch <n>', 'pictures drawn at once', wholeNumber('--batch', 1, 1024), 1)
    .option('--dtype <type>', 'storage of numbers: auto, f32, f16', oneOf('--dtype', ['auto', 'f32', 'f16']), 'auto')
    .option('--weights <format>', WEIGHTS_HELP, oneOf('--weights', WEIGHT_FORMATS), 'full')
    .option('--adapter <which>', ADAPTER_HELP)
    .option('--no-guidance', 'plan for guidance scales of 1, which halve the work of prior and decoder')
    .option('--memory <bytes>', 'fail when the model needs more, and say what would make it fit', byteCount('--memory'))
    .option('--configs-only', 'plan from the configs alone: the weights need not be there')
    .option('--json', 'print one JSON document')
    .action((folder: string, options: InspectOptions) => inspect(folder, options, context));
}

async function inspect(name: string, options: InspectOptions, { stdout }: CommandContext): Promise<void> {
  const folder = modelFolder(name);
  const model = loadUnclipModel(folder);
  // Opening checks every file and tensor.
  if (!options.configsOnly) Checkpoint.open(folder).close();
  const { caps, adapter } = await capsOf(options.adapter);
  if (options.dtype === 'f16' && !caps.f16)
    throw new UnclipError('GPU_FEATURE_MISSING', `the adapter '${adapter}' has no shader-f16; use --dtype f32`);
  const dtype = options.dtype === 'auto' ? (caps.f16 && !caps.software ? 'f16' : 'f32') : options.dtype;
  const { batch, guidance: guided, weights } = options;
  const report = memoryReport(model, { batch, guided, dtype, weights }, caps);
  if (options.json) printJson(stdout, { folder: name, className: model.index.className, adapter, caps, ...report });
  else printLine(stdout, asText(name, model, adapter, report));
  if (options.memory !== undefined) checkFits(report, options.memory, model, caps);
}

/** Capabilities of the adapter that would draw; WebGPU's defaults where there is none. */
async function capsOf(kind: InspectOptions['adapter']): Promise<{ caps: DeviceCaps; adapter: string }> {
  try {
    const device = await Device.open({ adapter: kind });
    const { caps, adapter } = device;
    device.destroy();
    return { caps, adapter: adapter.name };
  } catch (error) {
    if (!(error instanceof UnclipError) || error.code !== 'GPU_NO_ADAPTER') throw error;
    return { caps: WEBGPU_DEFAULTS, adapter: ASSUMED };
  }
}

function asText(name: string, model: UnclipModel, adapter: string, report: MemoryReport): string {
  const { batch, dtype, weights, guided } = report.options;
  const rows = report.networks.flatMap((n) => [
    [
      n.counted ? n.component : `${n.component} *`,
      n.parameters === 0 ? '' : formatCount(n.parameters),
      n.weightBytes === 0 ? '' : formatBytes(n.weightBytes),
      formatBytes(n.stateBytes),
      ...(n.graphs.length === 1 ? graphCells(n.graphs[0]!) : Array<string>(GRAPH_HEAD.length).fill('')),
    ],
    ...(n.graphs.length === 1 ? [] : n.graphs.map((g) => [`  ${g.name}`, '', '', '', ...graphCells(g)])),
  ]);
  const head = ['network', 'parameters', 'weights', 'state', ...GRAPH_HEAD];
  const table = formatTable(head, rows, ['left', ...Array<'right'>(head.length - 1).fill('right')]);
  const footnote = report.networks.every((n) => n.counted)
    ? []
    : ['* not needed to draw from text; in no sum below but that of parameters'];
  return [
    `${name}: ${model.index.className}, pictures of ${model.superResSize}×${model.superResSize}`,
    `plan for ${plural(batch, 'picture')} at once, ${dtype}${weights === 'q8' ? ', weights q8' : ''}, ${guided ? 'with' : 'without'} guidance, on: ${adapter}`,
    '',
    table,
    ...footnote,
    '',
    `parameters       ${formatCount(report.parameters)}`,
    `weights          ${formatBytes(report.weightBytes)} (the largest network: ${formatBytes(report.largestWeightBytes)})`,
    `shared arena     ${formatBytes(report.arenaBytes)} (networks take turns in it)`,
    `state            ${formatBytes(report.stateBytes)}`,
    `GPU memory       ${formatBytes(report.totalBytes)}; with --weight-budget ${report.largestWeightBytes}: ${formatBytes(report.leastBytes)}`,
  ].join('\n');
}

const GRAPH_HEAD = ['arena', 'lower bound', 'ratio', 'dispatches', 'FLOPs'];

const graphCells = (g: GraphReport): string[] => [
  formatBytes(g.arenaBytes),
  formatBytes(g.lowerBoundBytes),
  g.lowerBoundBytes === 0 ? '' : (g.arenaBytes / g.lowerBoundBytes).toFixed(3),
  String(g.dispatches),
  formatCount(g.flops),
];

/** @throws UnclipError GPU_OUT_OF_MEMORY naming the first setting that would fit, the mildest first */
function checkFits(report: MemoryReport, budget: number, model: UnclipModel, caps: DeviceCaps): void {
  if (report.totalBytes <= budget) return;
  const needs = `the model needs ${formatBytes(report.totalBytes)} of GPU memory, ${formatBytes(budget)} are allowed`;
  const { batch, dtype, weights } = report.options;
  const changes: { words: string[]; options: ReportOptions }[] = [];
  for (const smaller of batch > 1 ? [batch, 1] : [batch])
    for (const format of weights === 'q8' ? [weights] : WEIGHT_FORMATS)
      for (const type of dtype === 'f32' && caps.f16 ? (['f32', 'f16'] as const) : [dtype])
        changes.push({
          words: [
            ...(type === dtype ? [] : ['--dtype f16']),
            ...(format === 'full' || format === weights ? [] : ['--weights q8']),
            ...(smaller === batch ? [] : ['--batch-size 1']),
          ],
          options: { ...report.options, batch: smaller, dtype: type, weights: format },
        });
  for (const { words, options } of changes) {
    const changed = words.length === 0 ? report : memoryReport(model, options, caps);
    const budgetWord = `--weight-budget ${changed.largestWeightBytes}`;
    const fits =
      changed.totalBytes <= budget ? words : changed.leastBytes <= budget ? [...words, budgetWord] : undefined;
    if (fits !== undefined) throw new UnclipError('GPU_OUT_OF_MEMORY', `${needs}; it fits with ${fits.join(' ')}`);
  }
  throw new UnclipError('GPU_OUT_OF_MEMORY', `${needs}; no setting makes it fit`);
}

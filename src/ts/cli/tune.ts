import { Command } from 'commander';
import type { AdapterChoice } from '../gpu/find-adapter.js';
import { WEIGHT_FORMATS, type WeightFormat } from '../graph/quantize.js';
import { type TunedModel, tuneModel } from '../pipelines/tune-model.js';
import { describeChoice } from '../tune/candidates.js';
import { describeRejection } from '../tune/search.js';
import type { TunedClass } from '../tune/tune-graphs.js';
import { writeFileAtomic } from '../util/write-file.js';
import { BUNDLED, modelFolder } from './models.js';
import { ADAPTER_HELP, decimalNumber, oneOf, WEIGHTS_HELP, wholeNumber } from './options.js';
import { formatDuration, onOneLine, plural } from './ui/format.js';
import { formatTable } from './ui/table.js';
import { type CommandContext, printJson, printLine } from './ui/terminal.js';
import { tuneProgress } from './ui/tune-progress.js';

interface TuneCommandOptions {
  readonly model: string;
  readonly dtype?: 'auto' | 'f32' | 'f16';
  readonly weights?: WeightFormat;
  readonly adapter?: AdapterChoice;
  readonly batchSize?: number;
  readonly budget: number;
  readonly again?: boolean;
  readonly allVariants?: boolean;
  readonly out?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** `unclip tune`: measures which kernels and tile sizes are fastest for a model on this machine. */
export function tuneCommand(context: CommandContext): Command {
  return new Command('tune')
    .description('measure which kernels are fastest here for the shapes of a model; drawing uses them from then on')
    .option('--model <folder>', 'model folder; its weights need not be there', BUNDLED)
    .option('--dtype <type>', 'storage of numbers: auto, f32, f16', oneOf('--dtype', ['auto', 'f32', 'f16']))
    .option('--weights <format>', WEIGHTS_HELP, oneOf('--weights', WEIGHT_FORMATS))
    .option('--adapter <which>', ADAPTER_HELP)
    .option('--batch-size <n>', 'pictures at once; the choices hold for any', wholeNumber('--batch-size', 1, 1024))
    .option('--budget <seconds>', 'about how long to measure', decimalNumber('--budget', 0.1, 86_400), 60)
    .option('--again', 'measure anew what is known; else only what is new, or was left for want of time')
    .option('--all-variants', 'on a CPU driver, try kernels for GPUs as well: each takes seconds to compile')
    .option('--out <file>', 'write all that is known of this adapter to a file as well')
    .option('--json', 'print one JSON document')
    .option('-q, --quiet', 'no progress')
    .action((options: TuneCommandOptions) => tune(options, context));
}

async function tune(options: TuneCommandOptions, { stdout, stderr, signal }: CommandContext): Promise<void> {
  const { model, dtype, weights, adapter, batchSize, again, allVariants } = options;
  const progress = tuneProgress(stderr, options.quiet ?? false);
  const begin = performance.now();
  let tuned: TunedModel;
  try {
    tuned = await tuneModel(modelFolder(model), {
      dtype,
      weights,
      adapter,
      batchSize,
      measure: again ? 'all' : 'unfinished',
      allVariants,
      budgetMs: options.budget * 1000,
      signal,
      onProgress: (p) => progress.update(p),
    });
  } finally {
    progress.stop();
  }
  if (options.out !== undefined) await writeFileAtomic(options.out, Buffer.from(tuned.table.text()));
  if (options.json) printJson(stdout, asJson(model, tuned));
  else printLine(stdout, asText(tuned, performance.now() - begin));
}

/** The op and its first operands, which is what people know a shape by. */
const briefly = (shape: string): string =>
  shape
    .split(' ')
    .filter((word) => !word.startsWith('{'))
    .slice(0, 4)
    .join(' ');

const gain = ({ heuristicMs, ms }: TunedClass): number => (ms > 0 ? heuristicMs / ms : 1);

/** Of all runs of a batch, in milliseconds. */
const total = (classes: readonly TunedClass[], time: (c: TunedClass) => number): number =>
  classes.reduce((sum, c) => sum + c.runs * time(c), 0);

function asText({ adapter, dtype, batchSize, classes, table }: TunedModel, elapsedMs: number): string {
  const where = `${adapter.name}${adapter.software ? ' (software)' : ''}, ${dtype}, ${plural(batchSize, 'picture')} at once`;
  if (classes.length === 0)
    return `${where}\nnothing was measured: every shape is known, or time was short; --again measures anew`;
  const rows = classes.map((c) => [
    briefly(c.shape),
    onOneLine(c.label, 50),
    String(c.runs),
    describeChoice(c.heuristic),
    describeChoice(c.choice),
    c.heuristicMs.toFixed(3),
    c.ms.toFixed(3),
    `${gain(c).toFixed(2)}×`,
    `${c.tried} of ${c.tried + c.left + c.rejected.length}`,
  ]);
  const head = ['op, input, weights', 'first at', 'runs', 'rule', 'fastest', 'ms', 'ms', 'gain', 'timed'];
  const [before, after] = [total(classes, (c) => c.heuristicMs), total(classes, (c) => c.ms)];
  const rejected = classes.flatMap((c) => c.rejected.map((r) => `${c.op}: ${onOneLine(describeRejection(r), 200)}`));
  return [
    where,
    '',
    formatTable(head, rows, ['left', 'left', 'right', 'left', 'left', 'right', 'right', 'right', 'right']),
    '',
    ...rejected.map((line) => `turned down: ${line}`),
    `${classes.length} shape class${classes.length === 1 ? '' : 'es'} in ${formatDuration(elapsedMs)}: ${formatDuration(before)} a batch as chosen by rules, ${formatDuration(after)} as measured (${(before / after).toFixed(2)}×)`,
    `kept in ${table.path}`,
  ].join('\n');
}

function asJson(model: string, { adapter, dtype, batchSize, classes, table }: TunedModel): object {
  return {
    model,
    adapter,
    dtype,
    batchSize,
    heuristicMs: total(classes, (c) => c.heuristicMs),
    ms: total(classes, (c) => c.ms),
    file: table.path,
    classes: classes.map((c) => ({ ...c, gain: gain(c) })),
  };
}

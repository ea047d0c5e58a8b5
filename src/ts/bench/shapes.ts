import { compileGraph } from '../graph/compile.js';
import { isolate } from '../graph/isolate.js';
import type { ActivationDType, Graph, Tensor } from '../graph/types.js';
import type { OpCall } from '../ops/types.js';
import type { GraphRuns } from '../pipelines/graph-runs.js';
import type { BenchEngine } from './engine.js';
import { type Chooser, type MeasureOptions, measureNode, variantsOf } from './measure.js';
import { type ModelOptions, programName } from './model.js';
import type { Measured, ShapesReport } from './schema.js';
import { sum } from './statistics.js';

type ShapeRow = ShapesReport['rows'][number];

/** One op on one shape of a model, wherever it occurs. */
export interface ShapeJob {
  readonly name: string;
  readonly graph: Graph;
  readonly programs: Set<string>;
  readonly label: string;
  /** The one that the engine takes, then others to compare. */
  readonly variants: readonly string[];
  calls: number;
}

const shapeText = (t: Tensor | null): string => (t === null ? '-' : t.shape.join('x'));

/** Attributes that the shapes tell, or that change nothing of the work. */
const SILENT = ['eps', 'scale', 'outFeatures', 'outChannels', 'kernel', 'flipSinToCos', 'freqShift', 'min', 'max'];

/** Whether an attribute has the value that goes without saying. */
const isUsual = (name: string, value: unknown, attrs: OpCall['attrs']): boolean =>
  value === false ||
  value === 'none' ||
  ((name === 'stride' || name === 'upsample') && value === 1) ||
  (name === 'pad' && value === (attrs.kernel as number) >> 1);

/** `conv2d/1x16x16x96,3x3x96x96,96/act=silu`: operands (`-`: absent), then what else there is to say. */
function shapeName(op: string, { inputs, attrs }: OpCall): string {
  const shown = Object.entries(attrs).filter(([name, value]) => !SILENT.includes(name) && !isUsual(name, value, attrs));
  const operands = inputs
    .map(shapeText)
    .join(',')
    .replace(/(,-)+$/, '');
  return [op, operands, shown.map(([name, value]) => `${name}=${value}`).join(',')].filter(Boolean).join('/');
}

/** Two calls of one key are the same work for the same kernels. */
const keyOf = (op: string, { inputs, outputs, attrs }: OpCall): string =>
  JSON.stringify([op, [...inputs, ...outputs].map((t) => t && [t.shape, t.dtype, t.kind === 'weight']), attrs]);

/** Every distinct shape of some graphs after fusion, with how often it runs for a batch of pictures. Pure. */
export function planShapes(graphs: readonly GraphRuns[], chooser: Chooser, compare: readonly string[]): ShapeJob[] {
  const jobs = new Map<string, ShapeJob>();
  for (const runs of graphs) {
    const compiled = compileGraph(runs.graph, chooser.caps, { choose: chooser.choose });
    for (const { node, call } of compiled.nodes) {
      const key = keyOf(node.op, call);
      let job = jobs.get(key);
      if (job === undefined) {
        const graph = isolate(compiled, node);
        const { names, chosen } = variantsOf(graph, chooser);
        const others = compare.includes('all') ? names : names.filter((v) => compare.includes(v));
        const variants = [chosen, ...others.filter((v) => v !== chosen)];
        const programs = new Set<string>();
        job = { name: shapeName(node.op, call), graph, programs, label: node.label, variants, calls: 0 };
        jobs.set(key, job);
      }
      job.programs.add(programName(runs));
      job.calls += runs.runs;
    }
  }
  return [...jobs.values()];
}

/** Measures shapes one after the other; `onRow` gets what is known so far, sorted by time. Ends early when `signal` aborts. */
export async function measureShapes(
  engine: BenchEngine,
  jobs: readonly ShapeJob[],
  model: ModelOptions & { readonly dtype: ActivationDType },
  options: MeasureOptions & { readonly begin?: (name: string) => void },
  onRow: (report: ShapesReport, row: Measured & { readonly name: string }) => void,
): Promise<void> {
  const rows: ShapeRow[] = [];
  for (const job of jobs) {
    if (options.signal?.aborted) return;
    options.begin?.(job.name);
    const measured: Measured[] = [];
    await measureNode(engine, job.graph, job.variants, options, (row) => measured.push(row));
    const [chosen, ...others] = measured;
    if (chosen === undefined) return;
    rows.push({
      ...chosen,
      name: job.name,
      programs: [...job.programs],
      label: job.label,
      callsPerBatch: job.calls,
      msPerPicture: chosen.ms && (chosen.ms.median * job.calls) / model.batch,
      others: others.map(({ variant, ms, status }) => ({ variant, ms, status })),
    });
    onRow(summary(rows, model), { ...chosen, name: job.name });
  }
}

/** Rows by the time they take, with their shares of the sum. */
function summary(rows: readonly ShapeRow[], o: ModelOptions & { readonly dtype: ActivationDType }): ShapesReport {
  const sorted = [...rows].sort((a, b) => (b.msPerPicture ?? 0) - (a.msPerPicture ?? 0));
  const total = sum(sorted.map((row) => row.msPerPicture ?? 0));
  let before = 0;
  return {
    model: o.name,
    dtype: o.dtype,
    weights: o.weights,
    batch: o.batch,
    msPerPicture: total,
    rows: sorted.map((row) => {
      if (row.msPerPicture === undefined || total === 0) return row;
      before += row.msPerPicture;
      return { ...row, share: row.msPerPicture / total, cumulative: before / total };
    }),
  };
}

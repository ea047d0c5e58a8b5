import { GraphBuilder } from '../graph/builder.js';
import { compileGraph } from '../graph/compile.js';
import { isolate } from '../graph/isolate.js';
import { quantizeWeights } from '../graph/quantize.js';
import type { ActivationDType, Graph } from '../graph/types.js';
import { OPS } from '../ops/registry.js';
import type { DeviceCaps } from '../ops/types.js';
import { UnclipError } from '../util/errors.js';
import type { BenchCase } from './cases/case.js';
import { CASES } from './cases/cases.js';
import type { BenchEngine } from './engine.js';
import { type Chooser, type MeasureOptions, measureNode, variantsOf } from './measure.js';
import type { KernelRow } from './schema.js';

export interface KernelSelection {
  /** Names of rows must match it: `op/shape/dtype/variant`. */
  readonly pattern?: RegExp;
  readonly dtypes: readonly ActivationDType[];
  /** A variant's name; `all`; or `chosen`: the one that the engine takes. */
  readonly variant: string;
  readonly sizes: readonly BenchCase['size'][];
}

/** One shape and dtype, with the variants to measure. */
export interface KernelJob {
  readonly case: string;
  readonly graph: Graph;
  readonly variants: readonly string[];
}

/** Names of all kernel variants of all ops, sorted. */
export const variantNames = (): string[] =>
  [...new Set(OPS.flatMap((record) => record.variants.map((v) => v.name)))].sort();

/** @throws UnclipError INPUT_INVALID for a name that is no variant's, `all` or `chosen` */
export function checkVariant(name: string): void {
  const known = ['all', 'chosen', ...variantNames()];
  if (!known.includes(name))
    throw new UnclipError('INPUT_INVALID', `there is no kernel variant '${name}'; give one of ${known.join(', ')}`);
}

/** The one node that a case leaves after fusion, by itself. */
export function caseGraph({ name, build }: BenchCase, dtype: ActivationDType, caps: DeviceCaps): Graph {
  const g = new GraphBuilder(name, { dtype });
  const result = build(g);
  if (result !== undefined) g.output('result', result);
  const compiled = compileGraph(g.build(), caps);
  if (compiled.nodes.length !== 1)
    throw new UnclipError('GRAPH_INVALID', `benchmark case ${name} leaves ${compiled.nodes.length} nodes, not one`);
  return isolate(compiled, compiled.nodes[0]!.node);
}

/** The same node with weights in 8 bits, where it can have them. */
function quantized(graph: Graph): Graph[] {
  const form = quantizeWeights(graph);
  return form.tensors.some((t) => t.dtype === 'i8') ? [form] : [];
}

/**
 * What a selection asks for on an adapter; dtypes and variants that it lacks are left out.
 * @throws UnclipError INPUT_INVALID when nothing is left
 */
export function planKernels(
  selection: KernelSelection,
  chooser: Chooser,
  cases: readonly BenchCase[] = CASES,
): KernelJob[] {
  checkVariant(selection.variant);
  const jobs: KernelJob[] = [];
  for (const dtype of selection.dtypes) {
    if (dtype === 'f16' && !chooser.caps.f16) continue;
    for (const one of cases) {
      if (!selection.sizes.includes(one.size)) continue;
      const name = `${one.name}/${dtype}`;
      const graph = caseGraph(one, dtype, chooser.caps);
      for (const form of [graph, ...quantized(graph)]) {
        const { names, chosen } = variantsOf(form, chooser);
        const asked = { all: names, chosen: [chosen] }[selection.variant] ?? [selection.variant];
        const variants = asked.filter((v) => names.includes(v) && (selection.pattern?.test(`${name}/${v}`) ?? true));
        if (variants.length > 0) jobs.push({ case: one.name, graph: form, variants });
      }
    }
  }
  if (jobs.length === 0)
    throw new UnclipError(
      'INPUT_INVALID',
      `no kernel matches ${selection.pattern ?? 'the selection'} on this adapter; names look like linear/512x512x512/f32/portable`,
    );
  return jobs;
}

export const rowCount = (jobs: readonly KernelJob[]): number => jobs.reduce((sum, job) => sum + job.variants.length, 0);

/** Measures jobs one after the other; ends early, with what there is, when `signal` aborts. */
export async function measureKernels(
  engine: BenchEngine,
  jobs: readonly KernelJob[],
  options: MeasureOptions & { readonly signal?: AbortSignal; readonly begin?: (name: string) => void },
  onRow: (row: KernelRow) => void,
): Promise<void> {
  for (const { case: name, graph, variants } of jobs) {
    if (options.signal?.aborted) return;
    options.begin?.(`${name}/${graph.dtype}`);
    await measureNode(engine, graph, variants, options, (row) =>
      onRow({ ...row, name: `${name}/${row.dtype}/${row.variant}`, case: name }),
    );
  }
}

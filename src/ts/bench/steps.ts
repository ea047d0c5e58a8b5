import { STEP_PARAMS_FLOATS } from '../diffusion/step-params.js';
import type { ActivationDType } from '../graph/types.js';
import type { GraphRuns } from '../pipelines/graph-runs.js';
import { Profiler } from '../runtime/profiler.js';
import type { Program } from '../runtime/program.js';
import { randomInput, seedOf } from '../runtime/random-data.js';
import type { Runtime } from '../runtime/runtime.js';
import { floorsOf } from './floors.js';
import { type ModelOptions, programName } from './model.js';
import { stepRecords } from './operand-values.js';
import { OPERAND_WEIGHTS } from './operand-weights.js';
import type { StepRow, StepsReport } from './schema.js';
import { median, spread } from './statistics.js';

export interface StepOptions {
  /** Timed replays of each program. */
  readonly runs: number;
  readonly signal?: AbortSignal;
  readonly begin: (program: string) => void;
}

/** Replays before the clock counts: drivers compile in the first. */
const WARM_UP = 2;

/**
 * Replays each program of a model by itself, as its sampling loop does: one submit, awaited. Weights are random numbers of
 * plausible size, so that no checkpoint is needed; each network's leave the GPU before the next one's come.
 */
export async function measureSteps(
  runtime: Runtime,
  graphs: readonly GraphRuns[],
  model: ModelOptions & { readonly dtype: ActivationDType },
  options: StepOptions,
  onRow: (report: StepsReport, row: StepRow) => void,
): Promise<void> {
  const rows: StepRow[] = [];
  const profiler = new Profiler(runtime.device);
  try {
    for (const [i, runs] of graphs.entries()) {
      if (options.signal?.aborted) return;
      options.begin(programName(runs));
      const network = `bench ${runs.component}`;
      const program = runtime.program(network, runs.graph, OPERAND_WEIGHTS);
      try {
        fillInputs(program);
        await program.prepare();
        const row = await measureProgram(runtime, program, profiler, runs, options.runs);
        rows.push(row);
        const { name, dtype, weights, batch } = model;
        onRow({ model: name, dtype, weights, batch, rows }, row);
      } finally {
        program.destroy();
        if (graphs[i + 1]?.component !== runs.component)
          runtime.residency.network(`${network}/${runs.graph.dtype}`, OPERAND_WEIGHTS).evict();
      }
    }
  } finally {
    runtime.profiler = undefined;
    profiler.destroy();
  }
}

/** Random numbers; nothing masked; step parameters of the middle of a schedule. */
function fillInputs(program: Program): void {
  const { graph, tensors } = program.compiled;
  for (const [name, id] of Object.entries(graph.inputs)) {
    const values = randomInput(program.compiled, id, seedOf(name));
    if (/mask/i.test(name)) values.fill(0);
    const isRecords = name === 'stepParams' && tensors[id]!.shape[1] === STEP_PARAMS_FLOATS;
    program
      .state(name)
      .write(isRecords ? stepRecords(tensors[id]!.shape[0]!, { guided: true, learned: true }) : values);
  }
}

async function measureProgram(
  runtime: Runtime,
  program: Program,
  profiler: Profiler,
  runs: GraphRuns,
  times: number,
): Promise<StepRow> {
  const wallMs: number[] = [];
  runtime.profiler = profiler;
  for (let i = 0; i < WARM_UP + times; i++) {
    const begin = performance.now();
    runtime.submit([program]);
    await runtime.device.idle();
    wallMs.push(performance.now() - begin);
  }
  runtime.profiler = undefined;
  const records = (await profiler.collect()).slice(WARM_UP);
  const gpu = records.map((r) => r.gpuMs).filter((ms) => ms !== undefined);
  const gpuMs = gpu.length === times ? spread(gpu) : undefined;
  const wall = spread(wallMs.slice(WARM_UP));
  const { dispatches } = program.compiled;
  const { flops, bytes } = floorsOf(program.compiled);
  const ms = (gpuMs ?? wall).median;
  return {
    program: programName(runs),
    runsPerBatch: runs.runs,
    dispatches,
    flops,
    bytes,
    gpuMs,
    wallMs: wall,
    encodeUs: 1e3 * median(records.map((r) => r.encodeMs)),
    submitUs: 1e3 * median(records.map((r) => r.submitMs)),
    gflops: flops / 1e6 / ms,
    gbs: bytes / 1e6 / ms,
  };
}

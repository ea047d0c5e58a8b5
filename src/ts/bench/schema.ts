import { z } from 'zod';

/** Version of the JSON report; bench/README.md describes it. A reader refuses any other. */
export const SCHEMA = 'unclip-bench/1';

const count = z.int().min(0);
const positive = z.number().positive();
const amount = z.number().min(0);

const machine = z.strictObject({
  date: z.iso.datetime(),
  unclip: z.string(),
  /** Of all WGSL files. */
  kernels: z.string().regex(/^[0-9a-f]{16}$/),
  cpu: z.string(),
  cores: count,
  memoryBytes: count,
  platform: z.string(),
  loadAverage: amount,
  node: z.string(),
  dawn: z.string(),
  adapter: z.strictObject({
    name: z.string(),
    vendor: z.string(),
    architecture: z.string(),
    /** Name of the chip, and of the driver with its version. */
    device: z.string(),
    driver: z.string(),
    software: z.boolean(),
    features: z.array(z.string()),
    subgroupSize: count,
    matrixConfigs: z.array(z.string()),
  }),
});

/** Of times in milliseconds. */
const spread = z.strictObject({ runs: count, median: amount, min: amount, p10: amount, p90: amount });

const dtype = z.enum(['f32', 'f16']);
const weights = z.enum(['full', 'q8']);
const tolerance = z.strictObject({ relL2: amount, maxAbs: amount });

/**
 * Units whose peak is measured: what a kernel's arithmetic is held against. `matrix`: matrix units with f32 sums, as all kernels
 * have them; `matrix-f16`, `matrix-i8`: with sums in f16, and products of 8-bit integers.
 */
const unit = z.enum(['f32', 'f16', 'int8', 'matrix', 'matrix-f16', 'matrix-i8']);

const peak = z.strictObject({
  /** `f32 FMA`, `matrix 8x8x8 f16->f32`, `copy 256 MiB`, …; the name is unique in a report. */
  name: z.string(),
  /** GFLOP/s (multiply-adds count 2; integers likewise), or GB/s of bytes read plus bytes written. */
  value: positive,
  ms: spread,
});

const roofline = z.strictObject({
  compute: z.array(peak.extend({ unit })),
  /** `beyondCache`: buffers larger than the adapter's caches. */
  memory: z.array(peak.extend({ bytes: count, beyondCache: z.boolean() })),
});

const measured = z.strictObject({
  op: z.string(),
  dtype,
  variant: z.string(),
  tuning: z.record(z.string(), z.number()),
  dispatches: count,
  /** Of one call, from the op's record; a multiply-add counts 2. */
  flops: amount,
  /** Operands read once and results written once. */
  bytes: positive,
  /** FLOPs a byte. */
  intensity: amount,
  /** `wrong`: the error is over the tolerance, so no speed is given. `failed`: it did not run. `skipped`: too large here. `message` says why. */
  status: z.enum(['ok', 'wrong', 'failed', 'skipped']),
  message: z.string().optional(),
  /** Time of one call: the adapter's timestamps, or `wall` from submit to done where it has none. */
  ms: spread.optional(),
  clock: z.enum(['gpu', 'wall']).optional(),
  /** Of all sets of operands that the runs took turns with. */
  rotatedBytes: count.optional(),
  gflops: amount.optional(),
  gbs: amount.optional(),
  roof: z.strictObject({ unit, bound: z.enum(['compute', 'memory']), percent: amount }).optional(),
  /** Against fp64, on `samples` elements of the result. Null: not a number, or infinite. */
  error: z.strictObject({ relL2: amount.nullable(), maxAbs: amount.nullable(), samples: count, tolerance }).optional(),
});

const kernel = measured.extend({ name: z.string(), case: z.string() });

const shapes = z.strictObject({
  model: z.string(),
  dtype,
  weights,
  batch: count,
  /** Sum of all rows' time a picture. */
  msPerPicture: amount,
  rows: z.array(
    measured.extend({
      name: z.string(),
      /** Programs it occurs in. */
      programs: z.array(z.string()),
      /** One of the places in the network it comes from. */
      label: z.string(),
      /** How often it runs for a batch of pictures, all places and steps together. */
      callsPerBatch: count,
      msPerPicture: amount.optional(),
      /** Of the sum over all rows, 0 to 1. */
      share: amount.optional(),
      cumulative: amount.optional(),
      /** Median times of the other variants that were asked for. */
      others: z.array(z.strictObject({ variant: z.string(), ms: spread.optional(), status: measured.shape.status })),
    }),
  ),
});

const step = z.strictObject({
  program: z.string(),
  /** How often it runs for a batch of pictures. */
  runsPerBatch: count,
  dispatches: count,
  flops: amount,
  bytes: amount,
  gpuMs: spread.optional(),
  wallMs: spread,
  /** JavaScript's time to record all dispatches, and to submit them. */
  encodeUs: amount,
  submitUs: amount,
  /** Over GPU time, or wall time on an adapter without timestamps. */
  gflops: amount,
  gbs: amount,
});

const steps = z.strictObject({ model: z.string(), dtype, weights, batch: count, rows: z.array(step) });

const stage = z.strictObject({
  stage: z.string(),
  steps: amount,
  wallMs: amount,
  stepMs: amount,
  gpuMs: amount.optional(),
  dispatches: amount,
  encodeUs: amount,
  submitUs: amount,
  jsShare: amount,
  gflop: amount,
  gflopPerSecond: amount,
});

const network = z.strictObject({
  name: z.string(),
  dispatches: count,
  gflop: amount,
  floorBytes: amount,
  arenaBytes: count,
  lowerBoundBytes: count,
  arenaRatio: amount,
  weightBytes: count,
  stateBytes: count,
});

const endToEnd = z.strictObject({
  setting: z.strictObject({
    model: z.string(),
    modelHash: z.string(),
    dtype,
    weights,
    variants: z.string(),
    batch: count,
    steps: z.record(z.string(), count),
    guidance: z.record(z.string(), amount),
  }),
  load: z.strictObject({ openMs: amount, prepareMs: amount, readyMs: amount }),
  /** First picture in this process after loading. */
  firstMs: amount,
  /** The profiled request, mean over the runs. */
  totalMs: amount,
  /** JavaScript's recording and submitting in all of it. */
  jsShare: amount,
  stages: z.array(stage),
  networks: z.array(network),
  bytes: z.strictObject({ arena: count, weights: count, state: count, peakRss: count }),
  memory: z
    .strictObject({
      rss: z.array(count),
      constant: z.boolean().optional(),
      growthBytes: z.number().optional(),
      slopeBytes: z.number().optional(),
    })
    .optional(),
  coldProcess: z.strictObject({
    ms: amount.optional(),
    emptyCacheMs: amount.optional(),
    reason: z.string().optional(),
  }),
  verdicts: z.array(z.strictObject({ bar: z.string(), measured: z.string(), pass: z.boolean().optional() })),
});

/** One report: every section is there that the command measured. */
export const reportSchema = z.strictObject({
  schema: z.literal(SCHEMA),
  machine,
  /** True when Ctrl-C ended the run: what is there was measured before. */
  interrupted: z.boolean(),
  roofline: roofline.optional(),
  kernels: z.array(kernel).optional(),
  shapes: shapes.optional(),
  steps: steps.optional(),
  e2e: endToEnd.optional(),
});

export type Spread = z.infer<typeof spread>;
export type Machine = z.infer<typeof machine>;
export type Roofline = z.infer<typeof roofline>;
export type Unit = z.infer<typeof unit>;
export type Measured = z.infer<typeof measured>;
export type KernelRow = z.infer<typeof kernel>;
export type ShapesReport = z.infer<typeof shapes>;
export type StepsReport = z.infer<typeof steps>;
export type StepRow = z.infer<typeof step>;
export type StageReport = z.infer<typeof stage>;
export type NetworkRow = z.infer<typeof network>;
export type EndToEnd = z.infer<typeof endToEnd>;
export type Report = z.infer<typeof reportSchema>;

// The process of one engine: node worker.mjs NAME. Answers its parent's requests one after the other.

/**
 * What a prepared case can do.
 * @typedef {object} Prepared
 * @property {(count: number) => Promise<number>} run milliseconds of `count` runs on operands that stay on the device, from the
 *   first call to the end of the last run's work
 * @property {() => Promise<Float32Array>} output of one run, channels last
 * @property {() => Promise<void>} release
 * @property {string} [note] what ran
 */

/**
 * @typedef {object} Engine
 * @property {string} version
 * @property {string} adapter
 * @property {readonly string[]} dtypes
 * @property {boolean} unet whether it runs the network's step
 * @property {object} [machine]
 * @property {(c: import('../lib/cases.mjs').Case) => readonly string[]} [forms] in which it can be given a case
 * @property {(c: import('../lib/cases.mjs').Case, form: string) => Promise<Prepared>} prepare
 */

const OPENERS = {
  unclip: async (options) => (await import('./unclip.mjs')).open(options),
  'onnxruntime-webgpu': async () => (await import('./onnxruntime.mjs')).open('webgpu'),
  'onnxruntime-cpu': async () => (await import('./onnxruntime.mjs')).open('cpu'),
  'tfjs-webgpu': async () => (await import('./tfjs.mjs')).open(),
  'jax-js': async () => (await import('./jax.mjs')).open(),
};

/** Runs before the timed ones, the first of which compiles. The fastest of the others is the estimate. */
const WARM_UPS = 3;

let engine;
let prepared;

const METHODS = {
  async open(options) {
    engine = await OPENERS[process.argv[2]](options);
    const { version, adapter, dtypes, unet, machine } = engine;
    return { version, adapter, dtypes, unet, machine };
  },
  forms: (c) => engine.forms?.(c) ?? ['one form'],
  async prepare({ c, form }) {
    prepared = await engine.prepare(c, form);
    const output = await prepared.output();
    let ms = Number.POSITIVE_INFINITY;
    for (let i = 0; i < WARM_UPS; i++) ms = Math.min(ms, await prepared.run(1));
    return { output, ms, note: prepared.note };
  },
  async time(count) {
    const before = process.cpuUsage();
    const ms = await prepared.run(count);
    const { user, system } = process.cpuUsage(before);
    return { ms: ms / count, cpuMs: (user + system) / 1e3 / count };
  },
  async release() {
    await prepared?.release();
    prepared = undefined;
  },
};

process.on('message', async ({ method, argument }) => {
  try {
    process.send({ result: await METHODS[method](argument) });
  } catch (error) {
    process.send({ error: String(error?.message ?? error).split('\n')[0] });
  }
});

// Whatever ends the parent ends its engines.
process.on('disconnect', () => process.exit());

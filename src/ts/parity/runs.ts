import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ActivationDType } from '../graph/types.js';
import type { Checkpoint } from '../pipelines/checkpoint.js';
import { DrawingRun } from '../pipelines/drawing-run.js';
import { type NoiseSource, SharedNoise, type StageName } from '../pipelines/noise.js';
import { PriorRun } from '../pipelines/prior-run.js';
import { ProgramSet } from '../pipelines/programs/program-set.js';
import { type RunHooks, submitPrograms } from '../pipelines/run-stage.js';
import type { Sampler } from '../pipelines/sampler.js';
import type { Program } from '../runtime/program.js';
import type { Runtime } from '../runtime/runtime.js';
import type { StateTensor } from '../runtime/state.js';
import type { Bars } from './bars.js';
import type { Report } from './compare.js';
import { type GoldenFile, readGolden } from './golden-file.js';
import { channelsLast } from './networks.js';

/** A step that divides by less than this magnifies rounding errors beyond any bar before it clips. */
const AMPLIFIED = 1e-3;

/** Prefix of a stage's tensors in a run file. */
const PREFIX: Readonly<Record<StageName, string>> = { prior: 'prior', decoder: 'decoder', superRes: 'sr' };

interface RunParameters {
  /** Absent from a variation, which has an empty one. */
  readonly prompt?: string | readonly string[];
  readonly seed: number;
  readonly num_images_per_prompt: number;
  readonly prior_num_inference_steps?: number;
  readonly decoder_num_inference_steps: number;
  readonly super_res_num_inference_steps: number;
  readonly prior_guidance_scale?: number;
  readonly decoder_guidance_scale: number;
}

interface Context {
  readonly runtime: Runtime;
  readonly model: Checkpoint;
  readonly dtype: ActivationDType;
  readonly bars: Bars;
  readonly report: Report;
}

/** A batch's programs and what runs them. */
interface Run {
  readonly programs: ProgramSet;
  /** Undefined where the image embeddings are given. */
  readonly prior: PriorRun | undefined;
  readonly drawing: DrawingRun;
}

/** Every stored run of either pipeline: step by step from the stored samples, whole from the stored noise, whole from the seed. */
export async function checkRuns(folder: string, context: Context): Promise<void> {
  const golden = join(folder, 'golden');
  for (const file of readdirSync(golden)
    .filter((name) => /^run_.*\.json$/.test(name))
    .sort()) {
    const name = file.slice(0, -'.json'.length);
    const parameters = JSON.parse(readFileSync(join(golden, file), 'utf8')) as RunParameters;
    await checkRun(name, parameters, readGolden(join(golden, `${name}.safetensors`)), context);
  }
}

async function checkRun(name: string, parameters: RunParameters, golden: GoldenFile, c: Context): Promise<void> {
  const { prompt, num_images_per_prompt: each } = parameters;
  const prompts =
    prompt === undefined
      ? new Array<string>(golden.get('image_embeddings').shape[0]!).fill('')
      : [prompt].flat().flatMap((p) => new Array<string>(each).fill(p));
  const settings = {
    priorSteps: parameters.prior_num_inference_steps ?? 0,
    decoderSteps: parameters.decoder_num_inference_steps,
    superResSteps: parameters.super_res_num_inference_steps,
    priorGuidanceScale: parameters.prior_guidance_scale ?? 1,
    decoderGuidanceScale: parameters.decoder_guidance_scale,
  };
  const guided = golden.get('text.prompt_embeds').shape[0] === 2 * prompts.length;
  const programs = new ProgramSet(c.runtime, c.model, { batch: prompts.length, guided, dtype: c.dtype });
  const prior = prompt === undefined ? undefined : new PriorRun(c.runtime, c.model, programs, settings);
  const drawing = new DrawingRun(c.runtime, c.model, programs, settings);
  await checkSteps(name, prompts, { programs, prior, drawing }, golden, c);

  const picture = async (label: string, noise: NoiseSource, hooks?: RunHooks): Promise<void> => {
    programs.text.write(prompts);
    await submitPrograms(c.runtime, programs.text.encoder);
    await prior?.begin();
    await prior?.run(noise);
    if (prior === undefined) programs.drawing.imageEmbeds.write(golden.f32('image_embeddings'));
    await drawing.run(noise, hooks);
    const latents = await drawing.superRes.latents.read();
    const ours = latents.map((v) => Math.min(1, Math.max(0, v * 0.5 + 0.5)));
    const image = golden.get('image');
    c.report.picture(name, label, image.shape, ours, image.data, c.bars.pictureMean, c.bars.pictureP999);
  };
  // One element that flips in an amplified step changes a whole patch of a small picture: the steps after it are what is held to
  // the bar here, from the stored sample on; the step itself has a bar of its own.
  await picture('image from stored noise', new StoredNoise(golden), {
    onStep: ({ stage, step }, sampler) => {
      const after = stage === 'text' ? '' : `${PREFIX[stage]}.latents.${step - 1}`;
      if (sampler !== undefined && isAmplified(sampler, step - 1) && golden.has(after))
        sampler.latents.write(channelsLast(golden.get(after)));
    },
  });
  await picture('image from the seed', new SharedNoise(parameters.seed, prompts.length));
  programs.destroy();
}

/** Each stage from stored inputs, each step from the stored sample before it. */
async function checkSteps(
  name: string,
  prompts: readonly string[],
  { programs, prior, drawing }: Run,
  golden: GoldenFile,
  c: Context,
): Promise<void> {
  const bar = c.bars.step;
  const submit = (...list: Program[]): Promise<void> => submitPrograms(c.runtime, ...list);
  const check = async (tensor: string, program: Program, output: string): Promise<void> => {
    if (!golden.has(tensor)) return;
    const stored = golden.get(tensor);
    c.report.relL2(name, tensor, stored.shape, await program.state(output).read(), channelsLast(stored), bar);
  };
  const unique = [...new Set(prompts)];
  const stored = ['text.uncond_input_ids', 'text.input_ids'].filter((tensor) => golden.has(tensor));
  const texts = stored.length === 1 ? unique : [...unique.map(() => ''), ...unique];
  const ids = texts.flatMap((text) => [...c.model.tokenizer.encode(text).ids]);
  const storedIds = stored.flatMap((tensor) => golden.numbers(tensor));
  c.report.maxAbs(name, 'text.input_ids', [texts.length, ids.length / texts.length], ids, storedIds, 0);

  const { encoder } = programs.text;
  programs.text.write(prompts);
  await submit(encoder);
  await check('text.prompt_embeds', encoder, 'textEmbeds');
  await check('text.hidden_states', encoder, 'lastHiddenState');
  if (prior !== undefined) {
    await prior.begin();
    await checkStage(name, prior.sampler, golden, c);
    const last = `prior.latents.${prior.sampler.steps.length - 1}`;
    const { finish } = programs.prior;
    if (golden.has(last)) prior.sampler.latents.write(golden.f32(last));
    await submit(finish);
    if (golden.has(last)) await check('prior.image_embeddings', finish, 'imageEmbeds');
  }
  const { imageEmbeds, textProj, decoderPrelude, superResPrepare } = programs.drawing;
  imageEmbeds.write(golden.f32(prior === undefined ? 'image_embeddings' : 'prior.image_embeddings'));
  await submit(textProj, decoderPrelude);
  await check('text_proj.encoder_hidden_states', textProj, 'context');
  await check('text_proj.additive_clip_time_embeddings', textProj, 'timeEmbeds');
  await checkStage(name, drawing.decoder, golden, c);
  drawing.decoder.latents.write(channelsLast(golden.get('decoder.image_small')));
  await submit(superResPrepare);
  await check('sr.image_upscaled', superResPrepare, 'upscaled');
  await checkStage(name, drawing.superRes, golden, c);
}

const isAmplified = ({ options, steps }: Sampler, index: number): boolean =>
  options.plan.schedule.params(steps[index]!).x0Divisor < AMPLIFIED;

async function checkStage(name: string, sampler: Sampler, golden: GoldenFile, c: Context): Promise<void> {
  const prefix = PREFIX[sampler.options.plan.stage];
  const noise = new StoredNoise(golden);
  const compare = (key: string, values: readonly number[]): void =>
    c.report.maxAbs(name, `${prefix}.${key}`, [values.length], values, golden.numbers(`${prefix}.${key}`), 0);
  compare(
    'timesteps',
    sampler.steps.map((s) => s.timestep),
  );
  compare(
    'prev_timesteps',
    sampler.options.plan.schedule.steps(sampler.steps.length).map((s) => s.prevTimestep),
  );
  const bar = c.bars.step;
  for (let i = 0; i < sampler.steps.length; i++) {
    const before = i === 0 ? `${prefix}.init_noise` : `${prefix}.latents.${i - 1}`;
    const after = `${prefix}.latents.${i}`;
    if (!golden.has(before) || !golden.has(after)) continue;
    sampler.latents.write(channelsLast(golden.get(before)));
    await sampler.submit(i, noise);
    const amplified = isAmplified(sampler, i);
    // The rounding of anything but f32, magnified so, flips any number of elements.
    if (amplified && !c.bars.amplifiedSteps) continue;
    const check = async (tensor: string, state: StateTensor): Promise<void> => {
      const stored = golden.get(tensor);
      const values = [await state.read(), channelsLast(stored)] as const;
      if (amplified) c.report.relL2Trimmed(name, tensor, stored.shape, ...values, bar);
      else c.report.relL2(name, tensor, stored.shape, ...values, bar);
    };
    await check(after, sampler.latents);
    if (golden.has(`${prefix}.pred_x0.${i}`)) await check(`${prefix}.pred_x0.${i}`, sampler.x0);
  }
}

/** The draws that a run stored. */
class StoredNoise implements NoiseSource {
  readonly #golden: GoldenFile;

  constructor(golden: GoldenFile) {
    this.#golden = golden;
  }

  draw(stage: StageName, step: number): Float32Array {
    return channelsLast(this.#golden.get(`${PREFIX[stage]}.${step < 0 ? 'init_noise' : `noise.${step}`}`));
  }
}

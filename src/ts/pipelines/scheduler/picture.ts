import { PerImageNoise, type StageName } from '../noise.js';
import type { StagePlan } from '../stage-plan.js';
import type { Lane } from './lane.js';
import type { PictureRows } from './picture-rows.js';
import type { LaneStage } from './policy.js';

/** What a picture needs to go on on another device: what its steps have made so far, on the CPU. */
export interface Snapshot {
  /** The sample and the prediction of x₀ after the latest step; no x₀ before the first. */
  latents: Float32Array;
  x0?: Float32Array;
  /** What the prior made, f32 [E]. */
  imageEmbeds?: Float32Array;
  /** What the decoder made, f32 [S, S, 3]. */
  small?: Float32Array;
}

/** A picture on its way through the stages: where it is, what its next step needs, and its rows. */
export class Picture {
  rows: PictureRows;
  readonly noise: PerImageNoise;
  readonly #plans: Readonly<Partial<Record<StageName, StagePlan>>>;
  #stage: StageName;
  #step = 0;
  /** Noise by the step that it is for: drawn once, in order, and kept until the step has run. */
  readonly #drawn = new Map<number, Float32Array | undefined>();
  snapshot: Snapshot | undefined;
  /** The lane in which it has a seat, if any. */
  lane: Lane | undefined;

  /** @param plans of the stages that it goes through, the first of which is the one it begins with */
  constructor(rows: PictureRows, seed: number, plans: readonly StagePlan[]) {
    this.rows = rows;
    this.noise = new PerImageNoise([seed]);
    this.#plans = Object.fromEntries(plans.map((plan) => [plan.stage, plan]));
    this.#stage = plans[0]!.stage;
  }

  get stage(): StageName {
    return this.#stage;
  }

  /** The reverse step that is next, 0 … steps; `steps` when the stage is over. */
  get step(): number {
    return this.#step;
  }

  get plan(): StagePlan {
    return this.#plans[this.#stage]!;
  }

  /** Whose program runs the next step: the upsampler's last step has a network of its own. */
  get laneStage(): LaneStage {
    return this.#stage === 'superRes' && this.#step === this.plan.steps.length - 1 ? 'superResLast' : this.#stage;
  }

  get stageOver(): boolean {
    return this.#step === this.plan.steps.length;
  }

  /** Begins a stage. */
  enter(stage: StageName): void {
    this.#stage = stage;
    this.#step = 0;
    this.#drawn.clear();
  }

  /** The record of the next step, see diffusion/step-params.ts. */
  stepRecord(): Float32Array {
    return this.plan.record(this.#step);
  }

  /** Noise of the next step; undefined where the step takes none. The same if the step has to be repeated. */
  stepNoise(): Float32Array | undefined {
    return this.#draw(this.#step);
  }

  /** Draws the noise of the step after the next one while the GPU is at work. */
  drawAhead(): void {
    this.#draw(this.#step + 1);
  }

  /** The step has run. */
  advance(): void {
    this.#drawn.delete(this.#step++);
  }

  #draw(step: number): Float32Array | undefined {
    const { steps, stage, sampleShape } = this.plan;
    if (!this.#drawn.has(step) && step < steps.length)
      this.#drawn.set(step, steps[step]!.noisy ? this.noise.draw(stage, step, sampleShape) : undefined);
    return this.#drawn.get(step);
  }
}

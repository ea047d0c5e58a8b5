import type { Runtime } from '../../runtime/runtime.js';
import { UnclipError } from '../../util/errors.js';
import type { DrawItem } from '../drawing.js';
import { cancelled, overdue, requireRoom } from '../ended.js';
import { type Engine, MOST_LOSSES } from '../engine.js';
import type { GeneratedImage } from '../generated-image.js';
import { finishedImage } from '../picture-parameters.js';
import { isGuided } from '../settings.js';
import { decoderPlan, priorPlan, superResPlan } from '../stage-plan.js';
import { BufferPool } from './buffer-pool.js';
import type { Active, Job } from './job.js';
import { Lanes } from './lanes.js';
import { checkSchedulerOptions, checkSubmission, type SchedulerOptions, type SubmitOptions } from './options.js';
import { Picture } from './picture.js';
import { PictureRows } from './picture-rows.js';
import type { PictureScheduler } from './picture-scheduler.js';
import { type PictureEvent, type StreamOptions, streamPictures } from './picture-stream.js';
import { chooseAdmission, chooseBatch, type LaneStage } from './policy.js';
import { Requests } from './requests.js';
import { SchedulerCounts, type SchedulerMetrics } from './scheduler-metrics.js';
import { unfinishedState } from './unfinished-state.js';

/**
 * Draws pictures of many requests at once. Pictures join and leave batches at every step boundary (continuous batching): those at
 * the same stage share a step of its network, each with its own seed, step number, guidance and schedule. A picture is the
 * same, to the bit on one device, whoever it shared its batches with.
 *
 * Every step is a turn of the engine's queue, so other tasks of the engine come in between.
 */
export class Scheduler implements PictureScheduler {
  readonly #engine: Engine;
  readonly #maxBatch: number;
  readonly #maxActive: number;
  readonly #maxQueued: number;
  readonly #queueDelayMs: number;
  readonly #recover: boolean;
  #runtime: Runtime;
  #lanes: Lanes;
  #pool: BufferPool;
  #losses = 0;
  readonly #counts = new SchedulerCounts();
  readonly #queued: Job[] = [];
  readonly #active: Active[] = [];
  readonly #requests = new Requests();
  #arrivals = 0;
  #running: Promise<void> | undefined;
  #closed = false;

  /** @throws UnclipError INPUT_INVALID */
  constructor(engine: Engine, options: SchedulerOptions = {}) {
    checkSchedulerOptions(options);
    this.#engine = engine;
    this.#maxBatch = options.maxBatch ?? engine.batchSize;
    this.#maxActive = options.maxActive ?? 2 * this.#maxBatch;
    this.#maxQueued = options.maxQueued ?? 1024;
    this.#queueDelayMs = options.queueDelayMs ?? 50;
    this.#recover = options.recover ?? true;
    this.#runtime = engine.runtime;
    this.#lanes = new Lanes(engine);
    this.#pool = new BufferPool(engine.runtime.device);
  }

  /**
   * Asks for pictures. They are one request: it shares the device evenly with others of its priority.
   * @returns a promise for each picture
   * @throws UnclipError INPUT_* (also after {@link close}), MODEL_CONFIG_INVALID (no prior where one is needed), QUEUE_FULL when not
   *   all of them find room
   */
  submit(items: readonly DrawItem[], options: SubmitOptions = {}): Promise<GeneratedImage>[] {
    if (this.#closed) throw new UnclipError('INPUT_INVALID', 'this scheduler was closed');
    const settings = checkSubmission(this.#engine.model, items, options);
    if (items.length === 0) return [];
    requireRoom(this.#queued.length, items.length, this.#maxQueued);
    const account = this.#requests.open(options.request, items.length);
    const pictures = items.map(
      (item, index) =>
        new Promise<GeneratedImage>((resolve, reject) => {
          this.#queued.push({
            item,
            index,
            guided: isGuided(settings),
            withPrior: item.imageEmbeds === undefined,
            options,
            settings,
            account,
            request: account.key,
            priority: options.priority ?? 0,
            deadline: options.deadline,
            arrival: this.#arrivals++,
            submitted: performance.now(),
            resolve,
            reject,
          });
        }),
    );
    this.#running ??= this.#run();
    return pictures;
  }

  /**
   * Draws the pictures of a source as its reader goes on, see {@link StreamOptions}. Each item is a request of its own, so give
   * pictures in bulk a lower priority than those that somebody waits for.
   *
   *     for await (const event of scheduler.stream(items, { partialImages: 3 }))
   *       if (event.type === 'image') await writeFile(`${event.picture}.png`, await event.image.encode());
   */
  stream(
    items: Iterable<DrawItem> | AsyncIterable<DrawItem>,
    options: StreamOptions = {},
  ): AsyncGenerator<PictureEvent, void, undefined> {
    return streamPictures(this, items, options);
  }

  /** Whether {@link close} was called. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Most pictures that are under way at once. */
  get capacity(): number {
    return this.#maxActive;
  }

  /** Bytes of the rows of pictures under way, and of those kept for the next ones. */
  get bufferBytes(): number {
    return this.#pool.bytes;
  }

  metrics(): SchedulerMetrics {
    const active: Partial<Record<LaneStage, number>> = {};
    for (const { picture } of this.#active) active[picture.laneStage] = (active[picture.laneStage] ?? 0) + 1;
    const { stages, failed, finished, begun, queuedMs } = this.#counts;
    return { queued: this.#queued.length, active, stages, failed, finished, begun, queuedMs };
  }

  /** Takes no more requests, and frees what the scheduler holds when those under way have ended. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#running;
    this.#lanes.destroy();
    this.#pool.destroy();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #run(): Promise<void> {
    // The pictures of one submit() call, and of calls right after it, are all there before the first batch is chosen.
    await Promise.resolve();
    while (this.#queued.length + this.#active.length > 0) {
      try {
        await this.#engine.exclusive(
          () => undefined,
          () => this.#tick(),
        );
      } catch (error) {
        if (this.#recover && this.#engine.runtime.device.lost && ++this.#losses < MOST_LOSSES) continue;
        for (const active of [...this.#active]) this.#retire(active, error);
        for (const job of this.#queued.splice(0)) this.#fail(job, error);
      }
    }
    this.#running = undefined;
  }

  async #tick(): Promise<void> {
    if (this.#engine.runtime !== this.#runtime) await this.#resume();
    this.#dropEnded();
    await this.#admit();
    if (this.#active.length === 0) return;
    const chosen = this.#choose();
    const { guided } = chosen[0]!.job;
    const stage = chosen[0]!.picture.laneStage;
    const lane = this.#lanes.lane(stage, guided, chosen.length);
    lane.seat(chosen.map(({ picture }) => picture));
    const begin = performance.now();
    await lane.submit();
    for (const { picture } of chosen) picture.drawAhead();
    // Some will still be here at the next step, unless this one was their last.
    if (chosen.some(({ picture }) => picture.step + 1 < picture.plan.steps.length)) lane.recordAhead();
    await lane.finish();
    this.#losses = 0;
    this.#counts.step(stage, chosen.length, performance.now() - begin);
    // All of them at once: should the device be lost from here on, no step is taken twice.
    for (const active of chosen) this.#advance(active);
    for (const active of chosen) this.#tellStep(active, chosen.length);
    for (const active of chosen) await this.#tellState(active);
    await this.#leaveStages();
  }

  #choose(): Active[] {
    const now = performance.now();
    const ready = this.#active.map(({ job, picture, since }) => ({
      stage: picture.laneStage,
      guided: job.guided,
      request: job.request,
      priority: job.priority,
      deadline: job.deadline,
      arrival: job.arrival,
      since,
      served: job.account.served,
    }));
    const options = { maxBatch: this.#maxBatch, queueDelayMs: this.#queueDelayMs };
    return chooseBatch(ready, now, options).map((i) => this.#active[i]!);
  }

  /** A step has run. */
  #advance(active: Active): void {
    active.picture.advance();
    active.job.account.served++;
    active.since = performance.now();
  }

  /** Takes the pictures whose stage is over to their next one, or to the end. */
  async #leaveStages(): Promise<void> {
    for (const active of this.#active.filter(({ picture }) => picture.stageOver)) {
      const { job, picture } = active;
      picture.lane?.release(picture);
      const pixels = await this.#lanes.desk(job.guided).next(picture, job.item);
      if (pixels === undefined) continue;
      this.#remove(active);
      this.#counts.finished++;
      job.resolve(finishedImage(this.#engine, job.item, job.settings, pixels));
    }
  }

  #tellStep(active: Active, batch: number): void {
    const { index, options } = active.job;
    const { stage, step, plan } = active.picture;
    this.#tell(active, () => options.onStep?.({ picture: index, stage, step, steps: plan.steps.length, batch }));
  }

  async #tellState(active: Active): Promise<void> {
    const tell = await unfinishedState(active, this.#lanes.desk(active.job.guided));
    if (tell !== undefined) this.#tell(active, tell);
  }

  /** Tells a requester something. Should they throw at it, that is the end of their picture, and of no other. */
  #tell(active: Active, tell: () => void): void {
    try {
      tell();
    } catch (error) {
      this.#retire(active, error);
    }
  }

  /** Lays everything under way out anew on a device that was opened in place of a lost one. */
  async #resume(): Promise<void> {
    this.#runtime = this.#engine.runtime;
    this.#lanes = new Lanes(this.#engine);
    this.#pool = new BufferPool(this.#runtime.device);
    for (const active of [...this.#active]) {
      const { job, picture } = active;
      picture.rows = new PictureRows(this.#runtime.device, this.#pool);
      picture.lane = undefined;
      if (picture.snapshot === undefined)
        this.#retire(active, new UnclipError('GPU_DEVICE_LOST', 'the GPU device was lost while the picture was drawn'));
      else await this.#lanes.desk(job.guided).resume(picture, job.item, picture.snapshot);
    }
    // The device may have been lost just between two stages.
    await this.#leaveStages();
  }

  /** Lets waiting pictures begin while there is room for them. */
  async #admit(): Promise<void> {
    while (this.#active.length < this.#maxActive) {
      const next = chooseAdmission(this.#queued.map((job) => ({ ...job, begun: job.account.begun })));
      if (next === undefined) return;
      const job = this.#queued[next]!;
      const picture = this.#newPicture(job);
      await this.#lanes.desk(job.guided).begin(picture, job.item, job.settings);
      // Only now, so that it waits on should the device be lost at this.
      this.#queued.splice(this.#queued.indexOf(job), 1);
      const active = { job, picture, since: performance.now() };
      this.#active.push(active);
      job.account.begun++;
      this.#counts.begin(performance.now() - job.submitted);
      this.#tell(active, () =>
        job.options.onStep?.({ picture: job.index, stage: 'text', step: 1, steps: 1, batch: 1 }),
      );
    }
  }

  #newPicture({ item, settings, withPrior }: Job): Picture {
    const { model } = this.#engine;
    const plans = [
      ...(withPrior && settings.prior !== 'ar' ? [priorPlan(model, settings)] : []),
      decoderPlan(model, settings),
      superResPlan(model, settings),
    ];
    const picture = new Picture(new PictureRows(this.#runtime.device, this.#pool), item.seed, plans);
    if (this.#recover) picture.snapshot = { latents: new Float32Array() };
    return picture;
  }

  /** Ends pictures that nobody wants any more or that are too late. */
  #dropEnded(): void {
    const now = performance.now();
    const endOf = ({ options, deadline }: Job): UnclipError | undefined => {
      if (options.signal?.aborted) return cancelled();
      if (deadline !== undefined && now > deadline) return overdue();
      return undefined;
    };
    for (const active of [...this.#active]) {
      const end = endOf(active.job);
      if (end !== undefined) this.#retire(active, end);
    }
    for (const job of [...this.#queued]) {
      const end = endOf(job);
      if (end === undefined) continue;
      this.#queued.splice(this.#queued.indexOf(job), 1);
      this.#fail(job, end);
    }
  }

  #retire(active: Active, error: unknown): void {
    this.#remove(active);
    this.#counts.fail(error);
    active.job.reject(error);
  }

  #fail(job: Job, error: unknown): void {
    this.#requests.close(job.account);
    this.#counts.fail(error);
    job.reject(error);
  }

  #remove(active: Active): void {
    this.#active.splice(this.#active.indexOf(active), 1);
    active.picture.lane?.vacate(active.picture);
    active.picture.rows.release();
    this.#requests.close(active.job.account);
  }
}

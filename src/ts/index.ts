/**
 * DALL·E 2 (unCLIP) in Node. Start with {@link Unclip.load}.
 * @packageDocumentation
 */
export type { SamplerName, SamplingChoice } from './diffusion/samplers/registry.js';
export type { Spacing } from './diffusion/spacing.js';
export type { AdapterDescription } from './gpu/device.js';
export type { AdapterChoice } from './gpu/find-adapter.js';
export type { WeightFormat } from './graph/quantize.js';
export { type EncodeOptions, encodePicture, type PictureFormat } from './image/encode.js';
export type { Fit } from './image/fit-picture.js';
export type { PictureParameters } from './image/parameters.js';
export type { Picture } from './image/picture.js';
export type { PictureInput } from './image/picture-input.js';
export type { BestOfRequest, BestOfResult, Candidate } from './pipelines/best-of.js';
export { CaptionBank, type NearestCaption } from './pipelines/clip/caption-bank.js';
export { Clip, type ClipLoadOptions } from './pipelines/clip/clip.js';
export type { ClipDescription, ClipLayout, LogitScale } from './pipelines/clip/clip-model.js';
export type { EmbedHooks, EmbedRequest, EmbedResult } from './pipelines/clip/embedder.js';
export { cosineSimilarity, type Embedding, embeddingNorm, normalized } from './pipelines/clip/embedding.js';
export { knownCaptions } from './pipelines/clip/known-captions.js';
export type { RankedCaption, RankRequest, RankResult } from './pipelines/clip/rank.js';
export {
  DiscreteVae,
  type Reconstruction,
  type ReconstructOptions,
} from './pipelines/discrete-vae.js';
export type { DrawHooks, DrawItem, DrawResult } from './pipelines/drawing.js';
export type { Margins } from './pipelines/edit/canvas.js';
export type { EditRequest, EditResult } from './pipelines/edit/edit.js';
export type { EditOptions } from './pipelines/edit/edit-request.js';
export type { Placement, Window } from './pipelines/edit/windows.js';
export type { LoadOptions } from './pipelines/engine.js';
export { GeneratedImage } from './pipelines/generated-image.js';
export type { ModelInfo } from './pipelines/model-info.js';
export type { RuntimeLoadOptions } from './pipelines/open-runtime.js';
export type { GenerateProgress } from './pipelines/progress.js';
export type { PictureRequest } from './pipelines/request.js';
export type { PictureStep, SchedulerOptions, SubmitOptions } from './pipelines/scheduler/options.js';
export type { PictureScheduler } from './pipelines/scheduler/picture-scheduler.js';
export type { PictureEvent, StreamOptions } from './pipelines/scheduler/picture-stream.js';
export type { LaneStage } from './pipelines/scheduler/policy.js';
export { Scheduler } from './pipelines/scheduler/scheduler.js';
export type { SchedulerMetrics, StageMetrics, WorkerMetrics } from './pipelines/scheduler/scheduler-metrics.js';
export type { PriorChoice, PriorKind, SamplingSettings } from './pipelines/settings.js';
export type { GenerateRequest, GenerateResult } from './pipelines/text-to-image.js';
export type { TokenGrid } from './pipelines/token-grid.js';
export type { Tuning } from './pipelines/tuning.js';
export { Unclip } from './pipelines/unclip.js';
export type { BlendRequest } from './pipelines/variation/blend.js';
export type { FramesResult } from './pipelines/variation/frames.js';
export type { EmbeddingSource } from './pipelines/variation/parts.js';
export type { SteerRequest } from './pipelines/variation/steer.js';
export type { VaryRequest, VaryResult } from './pipelines/variation/vary.js';
export type { PoolOptions } from './pool/options.js';
export { PicturePool } from './pool/picture-pool.js';
export type { TunedClass, TuneOptions, TuneProgress } from './tune/tune-graphs.js';
export { type ErrorCode, UnclipError } from './util/errors.js';

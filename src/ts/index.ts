/**
 * DALL·E 2 (unCLIP) in Node. Start with {@link Unclip.load}.
 * @packageDocumentation
 */
export type { AdapterDescription } from './gpu/device.js';
export type { WeightFormat } from './graph/quantize.js';
export type { PictureFormat } from './image/encode.js';
export type { PictureParameters } from './image/parameters.js';
export type { Picture } from './image/picture.js';
export type { DrawHooks, DrawResult } from './pipelines/drawing.js';
export type { LoadOptions } from './pipelines/engine.js';
export { GeneratedImage } from './pipelines/generated-image.js';
export type { ModelInfo } from './pipelines/model-info.js';
export type { GenerateProgress } from './pipelines/progress.js';
export type { PictureRequest } from './pipelines/request.js';
export type { SamplingSettings } from './pipelines/settings.js';
export type { GenerateRequest, GenerateResult } from './pipelines/text-to-image.js';
export type { Tuning } from './pipelines/tuning.js';
export { Unclip } from './pipelines/unclip.js';

export type { TunedClass, TuneOptions, TuneProgress } from './tune/tune-graphs.js';
export { type ErrorCode, UnclipError } from './util/errors.js';

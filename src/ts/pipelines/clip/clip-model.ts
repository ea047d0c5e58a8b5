import { existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ClipPreprocessor, type CropRounding } from '../../image/clip-preprocess.js';
import { LOGIT_SCALE, parseClipConfig } from '../../models/clip.js';
import { isOpenAiClip, OPENAI_IGNORED_TENSORS, openAiClipConfigs, openAiTensor } from '../../models/clip-openai.js';
import {
  CLIP_TEXT_IGNORED_TENSORS,
  type ClipTextConfig,
  clipTextGraph,
  parseClipTextConfig,
} from '../../models/clip-text.js';
import {
  CLIP_VISION_IGNORED_TENSORS,
  type ClipVisionConfig,
  clipVisionGraph,
  parseClipVisionConfig,
} from '../../models/clip-vision.js';
import { configError } from '../../models/config.js';
import type { WeightSource } from '../../runtime/residency.js';
import { ClipTokenizer } from '../../text/clip-tokenizer.js';
import { UnclipError } from '../../util/errors.js';
import { readModelJson } from '../../util/json-file.js';
import { MappedWeights } from '../../weights/mapped-weights.js';
import type { TensorSource } from '../../weights/stored-tensor.js';
import { openWeights, type Weights } from '../../weights/weights.js';
import type { Checkpoint } from '../checkpoint.js';
import { fingerprint } from '../fingerprint.js';
import { type ModelInfo, readModelInfo } from '../model-info.js';
import { requireNoSurplus, requireTensors } from '../required-tensors.js';

/** How a checkpoint lays its CLIP out on the disk. */
export type ClipLayout =
  /** diffusers: text_encoder, image_encoder, feature_extractor and tokenizer beside one another. */
  | 'diffusers'
  /** transformers' CLIPModel: one config.json and one set of weights. */
  | 'transformers'
  /** OpenAI's state dict as safetensors: no config, other names. */
  | 'openai';

/** The factor of CLIP's cosines before the softmax, and whether the checkpoint states it. */
export interface LogitScale {
  readonly value: number;
  readonly stated: boolean;
}

/** What OpenAI trained CLIP to, and clipped it at (arXiv 2103.00020, section 2.5): for checkpoints without one. */
const USUAL_LOGIT_SCALE: LogitScale = { value: 100, stated: false };

/** diffusers' layout has no place for the scale: unclip.json may say it. */
const logitScaleOf = ({ logitScale }: ModelInfo): LogitScale =>
  logitScale === undefined ? USUAL_LOGIT_SCALE : { value: logitScale, stated: true };

/** What a CLIP says of itself. */
export interface ClipDescription {
  /** As it was named: a folder, or a weight file. */
  readonly folder: string;
  readonly layout: ClipLayout;
  /** Width of the embeddings. */
  readonly width: number;
  readonly logitScale: LogitScale;
  /** What the folder says in unclip.json, where it has one. */
  readonly info: ModelInfo;
  /** 16 hex digits over the model's files. */
  readonly hash: string;
}

interface Tower<C> {
  readonly config: C;
  readonly weights: WeightSource;
}

interface TextTower extends Tower<ClipTextConfig> {
  readonly tokenizer: ClipTokenizer;
}

interface ImageTower extends Tower<ClipVisionConfig> {
  readonly preprocessor: ClipPreprocessor;
  readonly rounding: CropRounding;
}

type Parts = Pick<ClipModel, 'folder' | 'layout' | 'text' | 'image' | 'logitScale'>;

/** A CLIP: what tokenises and embeds texts, and what prepares and embeds pictures, into one space. */
export class ClipModel implements ClipDescription {
  readonly folder: string;
  readonly layout: ClipLayout;
  readonly text: TextTower;
  /** null: the checkpoint embeds texts alone, as unCLIP models that are published without an image encoder do. */
  readonly image: ImageTower | null;
  readonly logitScale: LogitScale;
  readonly #opened: readonly Weights[];

  private constructor(parts: Parts, opened: readonly Weights[]) {
    this.folder = parts.folder;
    this.layout = parts.layout;
    this.text = parts.text;
    this.image = parts.image;
    this.logitScale = parts.logitScale;
    this.#opened = opened;
    checkFit(this);
  }

  /**
   * Opens the CLIP of a model folder in any of the three layouts; of OpenAI's, the safetensors file itself will do. Configs,
   * tokenizer and the shape of every tensor are checked before any memory is taken.
   * @throws UnclipError MODEL_*
   */
  static open(path: string): ClipModel {
    if (!existsSync(path)) throw new UnclipError('MODEL_NOT_FOUND', `there is no model folder at '${path}'`);
    const opened: Weights[] = [];
    const open = (folder: string): Weights => {
      const weights = openWeights(folder);
      opened.push(weights);
      return weights;
    };
    try {
      const diffusers = existsSync(join(path, 'text_encoder', 'config.json'));
      return new ClipModel(diffusers ? diffusersParts(path, open) : singleParts(path, open(path)), opened);
    } catch (error) {
      for (const weights of opened) weights.close();
      throw error;
    }
  }

  /** The CLIP of a checkpoint that is open, on the same weights: closing it is the checkpoint's. */
  static ofCheckpoint(checkpoint: Checkpoint): ClipModel {
    const { folder, tokenizer, preprocessor } = checkpoint;
    const { textEncoder, imageEncoder } = checkpoint.configs;
    const text = { config: textEncoder, weights: checkpoint.weights('text_encoder'), tokenizer };
    const image =
      imageEncoder === null
        ? null
        : {
            config: imageEncoder,
            weights: checkpoint.weights('image_encoder'),
            preprocessor: preprocessor ?? preprocessorOf(join(folder, 'feature_extractor'), imageEncoder),
            rounding: 'floor' as const,
          };
    const logitScale = logitScaleOf(checkpoint.info);
    return new ClipModel({ folder, layout: 'diffusers', text, image, logitScale }, []);
  }

  get width(): number {
    return this.text.config.projection_dim;
  }

  /** @throws UnclipError MODEL_CONFIG_INVALID when the model cannot embed pictures */
  requireImage(): ImageTower {
    if (this.image === null)
      throw new UnclipError(
        'MODEL_CONFIG_INVALID',
        `'${this.folder}' has no image_encoder, which pictures need; add the one of its CLIP or choose another model`,
      );
    return this.image;
  }

  get info(): ModelInfo {
    return readModelInfo(modelFolderOf(this.folder));
  }

  get hash(): string {
    return fingerprint(modelFolderOf(this.folder));
  }

  close(): void {
    for (const weights of this.#opened) weights.close();
  }
}

/** The folder of a model that may have been named by its weight file. */
const modelFolderOf = (path: string): string => (statSync(path).isDirectory() ? path : dirname(path));

function diffusersParts(folder: string, open: (folder: string) => Weights): Parts {
  const config = <C>(name: string, parse: (json: unknown, source: string) => C): C =>
    parse(readModelJson(join(folder, name, 'config.json')), `${name}/config.json`);
  const textConfig = config('text_encoder', parseClipTextConfig);
  const textWeights = open(join(folder, 'text_encoder'));
  requireTextTensors(textWeights, textConfig);
  requireNoSurplus(textWeights, CLIP_TEXT_IGNORED_TENSORS);
  const tokenizer = ClipTokenizer.load(join(folder, 'tokenizer'));
  let image: ImageTower | null = null;
  if (existsSync(join(folder, 'image_encoder', 'config.json'))) {
    const visionConfig = config('image_encoder', parseClipVisionConfig);
    const weights = open(join(folder, 'image_encoder'));
    requireImageTensors(weights, visionConfig);
    requireNoSurplus(weights, CLIP_VISION_IGNORED_TENSORS);
    const preprocessor = preprocessorOf(join(folder, 'feature_extractor'), visionConfig);
    image = { config: visionConfig, weights, preprocessor, rounding: 'floor' };
  }
  const text = { config: textConfig, weights: textWeights, tokenizer };
  return { folder, layout: 'diffusers', text, image, logitScale: logitScaleOf(readModelInfo(folder)) };
}

/** Both towers in one set of weights, by transformers' names or by OpenAI's. */
function singleParts(path: string, weights: Weights): Parts {
  const folder = modelFolderOf(path);
  const openai = isOpenAiClip((name) => weights.has(name));
  const configPath = join(folder, 'config.json');
  if (!openai && !existsSync(configPath))
    throw new UnclipError(
      'MODEL_CONFIG_INVALID',
      `'${path}' holds no CLIP: neither text_encoder/, nor the config.json of a CLIPModel, nor tensors by OpenAI's names`,
    );
  const { text, vision } = openai
    ? openAiClipConfigs((name) => (weights.has(name) ? weights.get(name).shape : undefined), path)
    : parseClipConfig(readModelJson(configPath), configPath);
  const source = openai ? new MappedWeights(weights, openAiTensor) : weights;
  requireTextTensors(source, text);
  requireImageTensors(source, vision);
  const logitScale = weights.has(LOGIT_SCALE)
    ? { value: Math.exp(weights.read(LOGIT_SCALE, [])[0]!), stated: true }
    : USUAL_LOGIT_SCALE;
  if (!Number.isFinite(logitScale.value))
    throw new UnclipError('MODEL_TENSOR_DTYPE', `${path}: ${LOGIT_SCALE} is not finite; the checkpoint is damaged`);
  requireNoSurplus(
    weights,
    openai ? OPENAI_IGNORED_TENSORS : [...CLIP_TEXT_IGNORED_TENSORS, ...CLIP_VISION_IGNORED_TENSORS],
  );
  const beside = existsSync(join(folder, 'vocab.json')) ? folder : join(folder, 'tokenizer');
  return {
    folder: path,
    layout: openai ? 'openai' : 'transformers',
    text: { config: text, weights: source, tokenizer: ClipTokenizer.load(beside) },
    image: {
      config: vision,
      weights: source,
      preprocessor: preprocessorOf(folder, vision),
      rounding: openai ? 'even' : 'floor',
    },
    logitScale,
  };
}

/** The folder's own preprocessing, or CLIP's at the size that the encoder reads where the folder says nothing. */
function preprocessorOf(folder: string, { image_size: size }: ClipVisionConfig): ClipPreprocessor {
  const stated = existsSync(join(folder, 'preprocessor_config.json'));
  const preprocessor = stated
    ? ClipPreprocessor.load(folder)
    : ClipPreprocessor.fromJson({ size, crop_size: size }, 'image_size');
  if (preprocessor.width !== size || preprocessor.height !== size)
    throw configError(
      join(folder, 'preprocessor_config.json'),
      `crop_size is ${preprocessor.width}x${preprocessor.height}, the image encoder reads ${size}x${size}`,
    );
  return preprocessor;
}

function requireTextTensors(source: TensorSource, config: ClipTextConfig): void {
  requireTensors(source, clipTextGraph(config, { batch: 1, dtype: 'f32' }));
}

function requireImageTensors(source: TensorSource, config: ClipVisionConfig): void {
  requireTensors(source, clipVisionGraph(config, { batch: 1, dtype: 'f32' }));
}

/** What the parts must agree on. */
function checkFit({ folder, text, image }: ClipModel): void {
  const { config, tokenizer } = text;
  if (tokenizer.maxLength !== config.max_position_embeddings)
    throw configError(
      folder,
      `the tokenizer gives ${tokenizer.maxLength} tokens, the text encoder reads ${config.max_position_embeddings}`,
    );
  if (tokenizer.idCount > config.vocab_size)
    throw configError(
      folder,
      `the tokenizer has ${tokenizer.idCount} ids, the text encoder knows ${config.vocab_size}`,
    );
  if (image !== null && image.config.projection_dim !== config.projection_dim)
    throw configError(
      folder,
      `texts become ${config.projection_dim} numbers and pictures ${image.config.projection_dim}: these are two models`,
    );
}

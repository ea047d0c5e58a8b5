import { ask } from './ask.js';

/** Settings of a request, by the names of the API. */
export type Settings = Readonly<Record<string, number | string>>;

/** What a model can do, and what it does when nothing else is said. */
export interface ModelFacts {
  /** Side of its pictures, pixels. */
  readonly size: number;
  readonly most_pictures: number;
  readonly max_steps: number;
  readonly max_pixels: number;
  readonly text_to_image: boolean;
  readonly variations: boolean;
  readonly edits: boolean;
  /** Captions that its predictions are compared with. */
  readonly nearest_captions: number;
  readonly priors: readonly string[];
  readonly samplers: readonly string[];
  readonly defaults: Settings;
  /** Lower-case words that it was trained on. */
  readonly vocabulary?: readonly string[];
  /** Prompts that it draws well. */
  readonly examples: readonly string[];
}

export interface Model extends ModelFacts {
  readonly id: string;
}

/** The model that is served. @throws Failure */
export async function fetchModel(): Promise<Model> {
  const response = await ask('v1/models');
  const { data } = (await response.json()) as { data: { id: string; unclip: ModelFacts }[] };
  const { id, unclip } = data[0]!;
  return { id, ...unclip };
}

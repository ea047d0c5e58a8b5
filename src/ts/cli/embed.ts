import { dirname, extname } from 'node:path';
import { Command } from 'commander';
import type { EmbedResult } from '../pipelines/clip/embedder.js';
import { type Embedding, normalized } from '../pipelines/clip/embedding.js';
import { writeFileAtomic } from '../util/write-file.js';
import { f32Bytes, safetensorsBytes, type TensorBytes } from '../weights/safetensors-bytes.js';
import { type ClipOptions, clipAsJson, clipAsText, loadClip, withClipOptions } from './clip-options.js';
import { UsageError } from './failure.js';
import { makeFolder } from './output.js';
import { checkPictureArguments } from './picture-arguments.js';
import { textArguments } from './text-arguments.js';
import { formatDuration, plural } from './ui/format.js';
import { type CommandContext, printJson, printLine } from './ui/terminal.js';
import { warnOfUnknownWords } from './unknown-words.js';

interface EmbedOptions extends ClipOptions {
  readonly texts?: readonly string[];
  readonly out?: string;
  readonly normalize?: boolean;
  readonly quiet?: boolean;
}

/** Texts or pictures with their embeddings. */
interface Named {
  readonly names: readonly string[];
  readonly embeddings: readonly Embedding[];
}

/** `unclip embed`: CLIP embeddings of texts and pictures. */
export function embedCommand(context: CommandContext): Command {
  const command = new Command('embed')
    .description('write CLIP embeddings of texts and pictures')
    .argument('[picture...]', 'PNG, JPEG, WebP, GIF, TIFF or AVIF files')
    .option('--texts <texts...>', 'texts, each in quotes; or one file with a text a line')
    .option('--out <file>', 'a .safetensors or .json file (default: JSON on stdout)')
    .option('--normalize', 'scale every embedding to length 1; as they are, they are what unCLIP draws from')
    .option('-q, --quiet', 'nothing on stderr');
  return withClipOptions(command).action((pictures: string[], options: EmbedOptions) =>
    embed(pictures, options, context),
  );
}

async function embed(pictures: readonly string[], options: EmbedOptions, context: CommandContext): Promise<void> {
  const { stdout, stderr, signal } = context;
  const { out } = options;
  if (out !== undefined && !['.safetensors', '.json'].includes(extname(out)))
    throw new UsageError(`--out '${out}' ends neither in .safetensors nor in .json`);
  const texts = options.texts === undefined ? [] : textArguments('--texts', options.texts);
  if (texts.length + pictures.length === 0)
    throw new UsageError('there is nothing to embed; give pictures, or texts after --texts');
  await checkPictureArguments(pictures);
  const begin = performance.now();
  const clip = await loadClip(options, context);
  try {
    if (!options.quiet) warnOfUnknownWords(texts, clip, stderr);
    const scale = (e: Embedding): Embedding => (options.normalize ? normalized(e) : e);
    const result: EmbedResult = await clip.embed({ texts, pictures, signal });
    const groups = {
      texts: { names: texts, embeddings: result.texts.map(scale) },
      pictures: { names: pictures, embeddings: result.pictures.map(scale) },
    };
    const about = { normalized: options.normalize ?? false, width: clip.model.width, ...clipAsJson(clip, options) };
    if (out === undefined) printJson(stdout, asJson(groups, about));
    else {
      const bytes =
        extname(out) === '.json' ? Buffer.from(JSON.stringify(asJson(groups, about))) : asTensors(groups, about);
      makeFolder(dirname(out));
      await writeFileAtomic(out, bytes);
      printLine(stdout, out);
    }
    const counted = `${plural(texts.length, 'text')} and ${plural(pictures.length, 'picture')}`;
    if (!options.quiet)
      printLine(stderr, `${counted}; ${clipAsText(clip)}; ${formatDuration(performance.now() - begin)}`);
  } finally {
    await clip.dispose();
  }
}

type Groups = Readonly<Record<'texts' | 'pictures', Named>>;

function asJson({ texts, pictures }: Groups, about: object): object {
  const listed = ({ names, embeddings }: Named, key: string): object[] =>
    embeddings.map((embedding, i) => ({ [key]: names[i], embedding: [...embedding] }));
  return { texts: listed(texts, 'text'), pictures: listed(pictures, 'picture'), ...about };
}

/** `texts` and `pictures`, f32 [N, E] each where there are any; the metadata says which row is which. */
function asTensors(groups: Groups, about: object): Uint8Array {
  const tensors: Record<string, TensorBytes> = {};
  const metadata: Record<string, string> = { about: JSON.stringify(about) };
  for (const [key, { names, embeddings }] of Object.entries(groups)) {
    if (names.length === 0) continue;
    const width = embeddings[0]!.length;
    const values = new Float32Array(names.length * width);
    for (const [i, embedding] of embeddings.entries()) values.set(embedding, i * width);
    tensors[key] = f32Bytes([names.length, width], values);
    metadata[key] = JSON.stringify(names);
  }
  return safetensorsBytes(tensors, metadata);
}

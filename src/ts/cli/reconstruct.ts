import { basename, dirname, extname } from 'node:path';
import { Command } from 'commander';
import type { AdapterChoice } from '../gpu/find-adapter.js';
import { encodePicture } from '../image/encode.js';
import { FITS, type Fit } from '../image/fit-picture.js';
import type { Picture } from '../image/picture.js';
import { DiscreteVae, DVAE_SIZE } from '../pipelines/discrete-vae.js';
import type { TokenGrid } from '../pipelines/token-grid.js';
import { writeFileAtomic } from '../util/write-file.js';
import { UsageError } from './failure.js';
import { type FileOptions, withFileOptions } from './file-options.js';
import { bundledDvaeFolder } from './models.js';
import { ADAPTER_HELP, oneOf, wholeNumber } from './options.js';
import { makeFolder, Output, slug } from './output.js';
import { type NamedTokens, readTokens, writeTokens } from './token-file.js';
import { type CommandContext, printJson, printLine } from './ui/terminal.js';

interface Options extends FileOptions {
  readonly model?: string;
  readonly size?: number;
  readonly fit: Fit;
  readonly tokens?: string;
  readonly fromTokens?: string;
  readonly dtype: 'auto' | 'f32' | 'f16';
  readonly adapter?: AdapterChoice;
}

/** What is written about a picture. */
interface Done {
  readonly file: string;
  readonly width: number;
  readonly height: number;
  readonly tokens: { readonly rows: number; readonly columns: number; readonly different: number };
  /** Against the fitted picture, dB; absent where there is none. */
  readonly psnr?: number;
}

/** `unclip reconstruct`: pictures through DALL·E 1's codes and back. */
export function reconstructCommand(context: CommandContext): Command {
  const command = new Command('reconstruct')
    .description("pictures through DALL·E 1's discrete VAE and back: what is left of them as a grid of codes")
    .argument('[picture...]', 'picture files')
    .option('--model <folder>', 'folder with encoder and decoder, .safetensors or .pkl (default: the bundled dVAE)')
    .option(
      '--size <pixels>',
      `short side that pictures are resized to (Lanczos) before their centre is cut out; a multiple of 8 (default: ${DVAE_SIZE.default})`,
      wholeNumber('--size', DVAE_SIZE.least, DVAE_SIZE.most),
    )
    .option(
      '--fit <how>',
      'square: the middle of the picture; whole: all of it, its sides cut to multiples of 8',
      oneOf('--fit', FITS),
      'square',
    )
    .option('--tokens <file>', 'write the codes of all pictures as JSON')
    .option('--from-tokens <file>', 'decode the codes of such a file instead of pictures')
    .option('--dtype <type>', 'storage of numbers: auto, f32, f16', oneOf('--dtype', ['auto', 'f32', 'f16']), 'f32')
    .option('--adapter <which>', ADAPTER_HELP);
  return withFileOptions(command).action((pictures: string[], options: Options) =>
    reconstruct(pictures, options, context),
  );
}

async function reconstruct(pictures: readonly string[], options: Options, context: CommandContext): Promise<void> {
  const { fromTokens } = options;
  if (pictures.length === 0 && fromTokens === undefined)
    throw new UsageError('there is no picture; give one: unclip reconstruct photo.jpg');
  if (pictures.length > 0 && fromTokens !== undefined)
    throw new UsageError('--from-tokens takes the place of pictures; leave one of them out');
  if (fromTokens !== undefined && options.tokens !== undefined)
    throw new UsageError('--tokens writes the codes of pictures; with --from-tokens there are none');
  if ((options.size ?? DVAE_SIZE.default) % 8 !== 0)
    throw new UsageError(`--size is ${options.size}: give a multiple of 8`);
  const given = fromTokens === undefined ? undefined : await readTokens(fromTokens);
  const output = new Output(options.out, options.format, (given ?? pictures).length > 1);
  const model = options.model ?? bundledDvaeFolder();
  const begin = performance.now();
  const { dtype, adapter } = options;
  context.signal.throwIfAborted();
  const vae = await DiscreteVae.load(model, { dtype, adapter });
  try {
    const run = new Run(vae, output, options, context);
    if (given !== undefined) for (const tokens of given) await run.decode(tokens);
    else for (const picture of pictures) await run.reconstruct(picture);
    if (options.tokens !== undefined) await run.writeTokens(options.tokens);
    report(run.done, { vae, model: options.model ?? 'dvae', totalMs: performance.now() - begin }, options, context);
  } finally {
    await vae.dispose();
  }
}

/** One command's pictures, each written as soon as it is done. */
class Run {
  readonly done: Done[] = [];
  readonly #tokens: NamedTokens[] = [];
  readonly #vae: DiscreteVae;
  readonly #output: Output;
  readonly #options: Options;
  readonly #context: CommandContext;

  constructor(vae: DiscreteVae, output: Output, options: Options, context: CommandContext) {
    this.#vae = vae;
    this.#output = output;
    this.#options = options;
    this.#context = context;
  }

  async reconstruct(path: string): Promise<void> {
    const { size, fit } = this.#options;
    const { input, tokens, picture } = await this.#vae.reconstruct(path, { size, fit, signal: this.#context.signal });
    const name = slug(basename(path, extname(path)));
    this.#tokens.push({ name, grid: tokens });
    await this.#write(name, picture, tokens, psnr(input, picture));
  }

  async decode({ name, grid }: NamedTokens): Promise<void> {
    await this.#write(slug(name), await this.#vae.decode(grid, this.#context.signal), grid);
  }

  async writeTokens(path: string): Promise<void> {
    makeFolder(dirname(path));
    await writeTokens(path, this.#vae.vocabulary, this.#tokens);
  }

  async #write(name: string, picture: Picture, { rows, columns, tokens }: TokenGrid, quality?: number): Promise<void> {
    const file = this.#output.named(`${name}-reconstructed`, this.done.length + 1);
    makeFolder(dirname(file));
    await writeFileAtomic(
      file,
      await encodePicture(picture, { format: this.#output.format, quality: this.#options.quality }),
    );
    const { width, height } = picture;
    this.done.push({
      file,
      width,
      height,
      tokens: { rows, columns, different: new Set(tokens).size },
      ...(quality !== undefined && { psnr: quality }),
    });
  }
}

/** Peak signal-to-noise ratio of the colours of two pictures of one size, dB. */
function psnr(a: Picture, b: Picture): number {
  const pixels = a.width * a.height;
  let squares = 0;
  for (let i = 0; i < pixels; i++)
    for (let c = 0; c < 3; c++) squares += (a.data[a.channels * i + c]! - b.data[b.channels * i + c]!) ** 2;
  return 10 * Math.log10((255 ** 2 * 3 * pixels) / squares);
}

function report(
  done: readonly Done[],
  { vae, model, totalMs }: { readonly vae: DiscreteVae; readonly model: string; readonly totalMs: number },
  options: Options,
  { stdout, stderr }: CommandContext,
): void {
  if (options.json) {
    const { adapter, dtype, vocabulary } = vae;
    printJson(stdout, { pictures: done, model: { folder: model, vocabulary }, adapter, dtype, totalMs });
    return;
  }
  for (const { file } of done) printLine(stdout, file);
  if (options.quiet) return;
  for (const { file, width, height, tokens, psnr: quality } of done) {
    const codes = `${tokens.rows} × ${tokens.columns} codes, ${tokens.different} different of ${vae.vocabulary}`;
    const close = quality === undefined ? '' : `; PSNR ${quality.toFixed(1)} dB against the fitted picture`;
    printLine(stderr, `${basename(file)}: ${width}x${height}, ${codes}${close}`);
  }
}

import { open } from 'node:fs/promises';
import { z } from 'zod';
import { MAX_TOKENS_SIDE, type TokenGrid } from '../pipelines/token-grid.js';
import { UnclipError } from '../util/errors.js';
import { writeFileAtomic } from '../util/write-file.js';

/** A picture's codes and what to call what they decode to. */
export interface NamedTokens {
  readonly name: string;
  readonly grid: TokenGrid;
}

const MAX_BYTES = 64 * 2 ** 20;
const code = z
  .int()
  .min(0)
  .max(2 ** 31);

const schema = z.object({
  format: z.literal('unclip-tokens'),
  vocabulary: code,
  pictures: z
    .array(
      z.object({
        name: z.string().min(1).max(200),
        tokens: z
          .array(z.array(code).min(1).max(MAX_TOKENS_SIDE))
          .min(1)
          .max(MAX_TOKENS_SIDE)
          .refine((rows) => rows.every((row) => row.length === rows[0]!.length), 'all rows must be equally long'),
      }),
    )
    .min(1),
});

/** Writes codes as JSON, one line for each row of codes. */
export async function writeTokens(path: string, vocabulary: number, pictures: readonly NamedTokens[]): Promise<void> {
  const entries = pictures.map(({ name, grid: { rows, columns, tokens } }) => {
    const lines = Array.from(
      { length: rows },
      (_, row) => `[${tokens.subarray(row * columns, (row + 1) * columns).join(',')}]`,
    );
    return `{"name":${JSON.stringify(name)},"tokens":[\n${lines.join(',\n')}\n]}`;
  });
  const text = `{"format":"unclip-tokens","vocabulary":${vocabulary},"pictures":[${entries.join(',')}]}\n`;
  await writeFileAtomic(path, Buffer.from(text));
}

/**
 * Reads what {@link writeTokens} wrote.
 * @throws UnclipError INPUT_INVALID (not such a file), IO_FAILED
 */
export async function readTokens(path: string): Promise<NamedTokens[]> {
  let json: unknown;
  const text = await readText(path);
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new UnclipError('INPUT_INVALID', `${path} is not JSON; give a file that --tokens wrote`, { cause });
  }
  const result = schema.safeParse(json);
  if (!result.success) {
    const { path: at, message } = result.error.issues[0]!;
    const where = at.join('.') || 'the file';
    throw new UnclipError('INPUT_INVALID', `${path} holds no tokens: ${where} is not valid (${message})`);
  }
  const { vocabulary, pictures } = result.data;
  return pictures.map(({ name, tokens }) => ({
    name,
    grid: { rows: tokens.length, columns: tokens[0]!.length, tokens: Uint32Array.from(tokens.flat()), vocabulary },
  }));
}

async function readText(path: string): Promise<string> {
  try {
    const file = await open(path, 'r');
    try {
      const stat = await file.stat();
      if (!stat.isFile() || stat.size > MAX_BYTES)
        throw new UnclipError(
          'INPUT_INVALID',
          `${path} is no file of tokens: it is ${stat.isFile() ? 'over 64 MiB' : 'not a file'}`,
        );
      return await file.readFile('utf8');
    } finally {
      await file.close();
    }
  } catch (cause) {
    if (cause instanceof UnclipError) throw cause;
    throw new UnclipError('IO_FAILED', `${path} cannot be read (${(cause as Error).message})`, { cause });
  }
}

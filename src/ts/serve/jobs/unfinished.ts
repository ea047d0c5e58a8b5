import { chmod, mkdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { writeFileAtomic } from '../../util/write-file.js';
import type { JobRequest } from './job.js';

/**
 * Writes requests that were not finished as lines that `unclip batch` reads: the same pictures, had they been finished here. Files
 * that requests brought go into a folder beside it.
 * @returns the file, which is the given one with the time in its name: nothing is written over
 * @throws UnclipError IO_*
 */
export async function writeUnfinished(path: string, requests: readonly JobRequest[]): Promise<string> {
  const time = new Date().toISOString().replace(/[:.]/g, '-');
  const folder = path.replace(/(\.jsonl)?$/, `-${time}`);
  const file = `${folder}.jsonl`;
  try {
    const lines: string[] = [];
    for (const [i, { brought, ...line }] of requests.entries()) {
      const pictures = await writePictures(folder, i + 1, brought ?? {});
      lines.push(`${JSON.stringify({ ...line, ...pictures })}\n`);
    }
    await writeFileAtomic(file, Buffer.from(lines.join('')));
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
  // It holds prompts, which are nobody else's business.
  await chmod(file, 0o600);
  return file;
}

/** @returns the pictures' paths from the lines' file on, by the lines' names */
async function writePictures(
  folder: string,
  number: number,
  pictures: Readonly<Record<string, Uint8Array>>,
): Promise<Record<string, string>> {
  const paths: Record<string, string> = {};
  for (const [name, bytes] of Object.entries(pictures)) {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeFileAtomic(join(folder, `${number}-${name}`), bytes);
    paths[name] = join(basename(folder), `${number}-${name}`);
  }
  return paths;
}

import { chmod } from 'node:fs/promises';
import { writeFileAtomic } from '../../util/write-file.js';
import type { JobRequest } from './job.js';

/**
 * Writes requests that were not finished as lines that `unclip batch` reads: the same pictures, had they been finished here.
 * @returns the file, which is the given one with the time in its name: nothing is written over
 * @throws UnclipError IO_*
 */
export async function writeUnfinished(path: string, requests: readonly JobRequest[]): Promise<string> {
  const time = new Date().toISOString().replace(/[:.]/g, '-');
  const file = path.replace(/(\.jsonl)?$/, `-${time}.jsonl`);
  await writeFileAtomic(file, Buffer.from(requests.map((request) => `${JSON.stringify(request)}\n`).join('')));
  // It holds prompts, which are nobody else's business.
  await chmod(file, 0o600);
  return file;
}

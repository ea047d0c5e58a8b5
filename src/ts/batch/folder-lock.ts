import { open, readFile, rm } from 'node:fs/promises';
import { UnclipError } from '../util/errors.js';

/** Keeps two processes from writing into one output folder. A lock whose process has died does not count. */
export class FolderLock {
  readonly #path: string;

  private constructor(path: string) {
    this.#path = path;
  }

  /** @throws UnclipError IO_FAILED when a living process holds the lock */
  static async take(path: string): Promise<FolderLock> {
    for (let attempt = 0; attempt < 2; attempt++) {
      try {
        const file = await open(path, 'wx');
        await file.writeFile(String(process.pid));
        await file.close();
        return new FolderLock(path);
      } catch (cause) {
        if ((cause as NodeJS.ErrnoException).code !== 'EEXIST')
          throw new UnclipError('IO_FAILED', `cannot make ${path} (${(cause as Error).message})`, { cause });
        const holder = Number(await readFile(path, 'utf8').catch(() => ''));
        if (holder !== process.pid && isAlive(holder))
          throw new UnclipError('IO_FAILED', `process ${holder} is writing into this folder (${path}); wait for it`);
        await rm(path, { force: true });
      }
    }
    throw new UnclipError('IO_FAILED', `another process took ${path} just now; wait for it`);
  }

  release(): Promise<void> {
    return rm(this.#path, { force: true });
  }
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

import { randomBytes } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { UnclipError } from './errors.js';

/**
 * Writes a file whole or not at all: under a temporary name in the same folder, flushed to the disk, then renamed over
 * `path`. After an error no temporary file is left and an older file at `path` is untouched.
 * @param folder of the temporary file, on the same file system. Default: that of `path`
 * @throws UnclipError IO_NO_SPACE (disk or quota full), IO_FAILED (any other error; names the path)
 */
export async function writeFileAtomic(path: string, data: Uint8Array, folder = dirname(path)): Promise<void> {
  const temporary = join(folder, `.${basename(path).slice(0, 100)}.${randomBytes(6).toString('hex')}.tmp`);
  try {
    const file = await open(temporary, 'wx');
    try {
      await file.writeFile(data);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw writeError(path, error);
  }
}

function writeError(path: string, cause: unknown): UnclipError {
  const { code } = cause as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new UnclipError('IO_NO_SPACE', `no space left to write ${path}; free some or choose another folder`, {
      cause,
    });
  }
  const reason = {
    ENOENT: 'its folder does not exist',
    EACCES: 'no permission',
    EROFS: 'read-only file system',
    EISDIR: 'it is a folder',
  };
  const known = reason[code as keyof typeof reason] ?? code ?? 'unknown error';
  return new UnclipError('IO_FAILED', `cannot write ${path} (${known})`, { cause });
}

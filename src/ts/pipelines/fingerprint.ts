import { createHash } from 'node:crypto';
import { closeSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';

/** Files that decide what a model draws. */
const COUNTED = /\.(json|txt|safetensors|bin|pt|pth|pkl|ckpt)$/;
/** Files up to this size are hashed whole, larger ones by their ends and by blocks spread over them. */
const WHOLE_BYTES = 64 * 2 ** 20;
const BLOCK_BYTES = 64 * 2 ** 10;
const BLOCKS = 256;

/**
 * A model's identity: 16 hex digits of SHA-256 over names, sizes and contents of its files. Files above 64 MiB count by 256
 * blocks of 64 KiB spread over them, so that a 14 GB checkpoint takes a moment, not minutes.
 */
export function fingerprint(folder: string): string {
  const hash = createHash('sha256');
  for (const path of listFiles(folder)) {
    const { size } = statSync(path);
    hash.update(`${relative(folder, path)}\0${size}\0`);
    const fd = openSync(path, 'r');
    try {
      const step = size <= WHOLE_BYTES ? BLOCK_BYTES : Math.floor((size - BLOCK_BYTES) / (BLOCKS - 1));
      const block = Buffer.alloc(BLOCK_BYTES);
      for (let at = 0; at < size; at += step) hash.update(block.subarray(0, readSync(fd, block, 0, BLOCK_BYTES, at)));
    } finally {
      closeSync(fd);
    }
  }
  return hash.digest('hex').slice(0, 16);
}

function listFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (statSync(path).isDirectory()) return listFiles(path);
      return COUNTED.test(entry.name) ? [path] : [];
    });
}

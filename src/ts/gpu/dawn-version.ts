import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

let version: string | undefined;

/** Version of the npm package `webgpu`, which holds Dawn: its shader compiler is part of what a kernel's speed depends on. */
export function dawnVersion(): string {
  version ??= (
    JSON.parse(readFileSync(createRequire(import.meta.url).resolve('webgpu/package.json'), 'utf8')) as {
      version: string;
    }
  ).version;
  return version;
}

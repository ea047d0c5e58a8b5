import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { TorchGenerator } from '../native/torch-generator.js';
import type { Report } from './compare.js';
import { readGolden } from './golden-file.js';

/** PyTorch's AVX2 log, sin and cos differ from libm's in the last bits. */
const NORMAL_BAR = 1e-6;

/** PyTorch's CPU generator: single draws, and sequences of draws from one generator. */
export function checkRng(folder: string, report: Report): void {
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.safetensors'))) {
    const golden = readGolden(join(folder, file));
    const sequences = new Map<string, TorchGenerator>();
    for (const name of golden.names) {
      const { shape, data } = golden.get(name);
      const seed = Number(/seed(\d+)/.exec(name)?.[1]);
      if (name.startsWith('randn.')) {
        report.maxAbs('randn', name, shape, new TorchGenerator(seed).randn(shape), data, NORMAL_BAR);
      } else if (name.startsWith('rand.')) {
        report.maxAbs('rand', name, shape, new TorchGenerator(seed).rand(shape), data, 0);
      } else if (name.startsWith('randint_u32.')) {
        report.maxAbs('randint', name, shape, new TorchGenerator(seed).randint(0, 2 ** 32 - 1, shape), data, 0);
      }
    }
    const draws = golden.names.filter((name) => name.startsWith('seq.'));
    draws.sort((a, b) => indexOf(a) - indexOf(b));
    for (const name of draws) {
      const key = name.slice(0, name.lastIndexOf('.'));
      const generator = sequences.get(key) ?? new TorchGenerator(Number(/seed(\d+)/.exec(name)?.[1]));
      sequences.set(key, generator);
      const { shape, data } = golden.get(name);
      report.maxAbs('randn', name, shape, generator.randn(shape), data, NORMAL_BAR);
    }
  }
}

const indexOf = (name: string): number => Number(name.slice(name.lastIndexOf('.') + 1));

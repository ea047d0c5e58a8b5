import { copyFileSync, mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openWeights } from '../../src/ts/weights/weights.js';
import { f32Tensor, safetensorsBytes, writeSafetensors } from '../support/safetensors-writer.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'unclip-weights-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const file = (name: string): string => join(folder, name);
const one = (value: number) => ({ w: f32Tensor([1], [value]) });
const firstValue = (path: string, stem?: string): number => {
  const weights = openWeights(path, stem);
  const [value] = weights.read('w');
  weights.close();
  return value!;
};
const coded = (code: string, text: string) => expect.objectContaining({ code, message: expect.stringContaining(text) });

describe('which file is read', () => {
  it('the usual names, full precision first', () => {
    writeSafetensors(file('model.fp16.safetensors'), one(1));
    expect(firstValue(folder)).toBe(1);
    writeSafetensors(file('model.safetensors'), one(2));
    expect(firstValue(folder)).toBe(2);
    writeSafetensors(file('diffusion_pytorch_model.safetensors'), one(3));
    expect(firstValue(folder)).toBe(3);
    expect(firstValue(folder, 'model')).toBe(2);
    expect(firstValue(file('model.fp16.safetensors'))).toBe(1);
  });

  it('the only safetensors file, whatever its name', () => {
    writeSafetensors(file('karlo.safetensors'), one(4));
    expect(firstValue(folder)).toBe(4);
    writeSafetensors(file('other.safetensors'), one(5));
    expect(() => openWeights(folder)).toThrow(coded('MODEL_FILE_MISSING', 'karlo.safetensors, other.safetensors'));
    expect(firstValue(folder, 'other')).toBe(5);
  });

  it('shards by their index', () => {
    writeSafetensors(file('model-00001-of-00002.safetensors'), { a: f32Tensor([2], [1, 2]) });
    writeSafetensors(file('model-00002-of-00002.safetensors'), { b: f32Tensor([1], [3]), w: f32Tensor([1], [4]) });
    const map = { a: 'model-00001-of-00002.safetensors', w: 'model-00002-of-00002.safetensors' };
    writeFileSync(file('model.safetensors.index.json'), JSON.stringify({ metadata: {}, weight_map: map }));
    const weights = openWeights(folder);
    expect(weights.names().sort()).toEqual(['a', 'w']);
    expect(weights.read('a')).toEqual(Float32Array.of(1, 2));
    expect(weights.read('w')).toEqual(Float32Array.of(4));
    expect(weights.bytes).toBe(12);
    weights.close();
  });

  it.each([
    ['{', 'not JSON'],
    ['[]', 'no weight_map'],
    ['{"weight_map": 3}', 'no weight_map'],
    ['{"weight_map": {"a": "../x.safetensors"}}', 'same folder'],
    ['{"weight_map": {"a": "/x.safetensors"}}', 'same folder'],
    ['{"weight_map": {"a": "..\\\\x.safetensors"}}', 'same folder'],
    ['{"weight_map": {"a": 5}}', 'same folder'],
    ['{"weight_map": {"a": "index.json"}}', 'same folder'],
    ['{"weight_map": {"a": "there.safetensors"}}', 'lacks a'],
  ])('not the index %s', (text, why) => {
    writeSafetensors(file('there.safetensors'), one(1));
    writeFileSync(file('model.safetensors.index.json'), text);
    expect(() => openWeights(folder)).toThrow(coded('MODEL_FILE_INVALID', why));
  });

  it('no index with a missing shard', () => {
    writeFileSync(file('model.safetensors.index.json'), '{"weight_map": {"a": "gone.safetensors"}}');
    expect(() => openWeights(folder)).toThrow(coded('MODEL_FILE_MISSING', 'gone.safetensors'));
  });

  it('says what is missing', () => {
    expect(() => openWeights(file('none'))).toThrow(coded('MODEL_NOT_FOUND', 'does not exist'));
    expect(() => openWeights('a\0b')).toThrow(coded('IO_FAILED', 'cannot be read'));
    expect(() => openWeights(folder)).toThrow(coded('MODEL_FILE_MISSING', 'a safetensors file'));
    writeFileSync(file('pytorch_model.bin'), 'x');
    expect(() => openWeights(folder)).toThrow(coded('MODEL_FILE_INVALID', 'too short to be a PyTorch file'));
    mkdirSync(file('model.safetensors'));
    expect(() => openWeights(folder)).toThrow(coded('MODEL_FILE_INVALID', 'not a regular file'));
  });
});

describe('Weights', () => {
  it('tells shapes, dtypes and what was not used', () => {
    writeSafetensors(file('model.safetensors'), {
      'a.weight': f32Tensor([2, 3], [1, 2, 3, 4, 5, 6]),
      'a.bias': f32Tensor([2], [7, 8]),
      scalar: f32Tensor([], [9]),
      empty: f32Tensor([0, 5], []),
    });
    const weights = openWeights(folder);
    expect(weights.has('a.weight')).toBe(true);
    expect(weights.has('constructor')).toBe(false);
    expect(weights.get('a.weight', [2, 3])).toMatchObject({ name: 'a.weight', dtype: 'F32', shape: [2, 3], bytes: 24 });
    expect(weights.read('scalar', [])).toEqual(Float32Array.of(9));
    expect(weights.read('empty')).toEqual(new Float32Array(0));
    expect(weights.unused()).toEqual(['a.bias']);
    expect(() => weights.get('b')).toThrow(coded('MODEL_TENSOR_MISSING', 'no tensor b'));
    expect(() => weights.get('a.bias', [3])).toThrow(coded('MODEL_TENSOR_SHAPE', 'a.bias is [2], expected [3]'));
    expect(weights.unused()).toEqual(['a.bias']);
    weights.close();
    weights.close();
    expect(() => weights.read('a.bias')).toThrow(coded('INPUT_INVALID', 'closed'));
  });

  it('notices a file that is truncated after it was opened', () => {
    writeFileSync(file('model.safetensors'), safetensorsBytes({ w: f32Tensor([20000], new Float32Array(20000)) }));
    const weights = openWeights(folder);
    truncateSync(file('model.safetensors'), 100);
    expect(() => weights.read('w')).toThrow(coded('MODEL_FILE_INVALID', 'truncated'));
    weights.close();
  });

  it('keeps reading a file that was replaced by another', () => {
    writeSafetensors(file('model.safetensors'), one(1));
    const weights = openWeights(folder);
    copyFileSync(file('model.safetensors'), file('copy'));
    rmSync(file('model.safetensors'));
    expect(weights.read('w')).toEqual(Float32Array.of(1));
    weights.close();
  });
});

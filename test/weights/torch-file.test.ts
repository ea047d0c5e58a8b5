import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { openWeights, type Weights } from '../../src/ts/weights/weights.js';
import { pickle, torchBytes, zipBytes } from '../support/torch-writer.js';

const folder = mkdtempSync(join(tmpdir(), 'unclip-torch-'));
afterAll(() => rmSync(folder, { recursive: true }));

const fixture = (name: string): string => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));
const invalid = (text: string) =>
  expect.objectContaining({ code: 'MODEL_FILE_INVALID', message: expect.stringContaining(text) });

let serial = 0;
function stored(bytes: Uint8Array): string {
  const path = join(folder, `${serial++}.pt`);
  writeFileSync(path, bytes);
  return path;
}

function using<R>(path: string, use: (weights: Weights) => R): R {
  const weights = openWeights(path);
  try {
    return use(weights);
  } finally {
    weights.close();
  }
}

const floats = (...values: number[]): Uint8Array => new Uint8Array(Float32Array.from(values).buffer);
const vector = (length: number, storageLength = length): Buffer =>
  pickle.tensor(pickle.storage('FloatStorage', '0', storageLength), 0, [length], [1]);

describe('published whole-module pickles', () => {
  it.each([
    ['encoder.pkl', 'encoder.safetensors', 74],
    ['decoder.pkl', 'decoder.safetensors', 76],
    ['encoder_legacy.pkl', 'encoder.safetensors', 74],
  ])('%s holds what %s holds', (file, twin, count) => {
    using(fixture(`dvae-small/${file}`), (ours) =>
      using(fixture(`dvae-small/${twin}`), (theirs) => {
        expect(ours.names()).toHaveLength(count);
        expect(ours.names().sort()).toEqual(theirs.names().sort());
        expect(ours.bytes).toBe(theirs.bytes);
        for (const name of theirs.names()) {
          expect(ours.get(name).shape, name).toEqual(theirs.get(name).shape);
          expect(ours.read(name), name).toEqual(theirs.read(name));
        }
      }),
    );
  });
});

describe.each(['views.bin', 'views_legacy.bin'])('%s of PyTorch 2.13', (file) => {
  const base = Array.from({ length: 12 }, (_, i) => i / 8);

  it.each([
    ['f32', 'F32', [3, 4], base],
    ['f16', 'F16', [2, 3], [1.5, -2.25, 65504, 2 ** -24, 0, -0.5]],
    ['bf16', 'BF16', [3], [1.5, -3, Math.fround(1.0002555517425873e30)]],
    ['f64', 'F64', [2], [Math.fround(0.1), Math.fround(-1e-30)]],
    ['i64', 'I64', [2], [-(2 ** 40), 7]],
    ['i32', 'I32', [2], [-70000, 7]],
    ['i16', 'I16', [2], [-300, 7]],
    ['i8', 'I8', [2], [-3, 7]],
    ['u8', 'U8', [2], [200, 7]],
    ['bool', 'BOOL', [3], [1, 0, 1]],
    ['scalar', 'F32', [], [4.25]],
    ['empty', 'F32', [0, 3], []],
    ['shared', 'F32', [3, 4], base],
    ['rows', 'F32', [2, 4], base.slice(4)],
    ['transposed', 'F32', [4, 3], [0, 1, 2, 3].flatMap((c) => [0, 1, 2].map((r) => base[4 * r + c]))],
    ['every_second', 'F32', [3, 2], base.filter((_, i) => i % 2 === 0)],
    ['parameter', 'F32', [2], [3, 4]],
  ])('%s', (name, dtype, shape, values) => {
    using(fixture(`torch/${file}`), (weights) => {
      expect(weights.get(name)).toMatchObject({ dtype, shape });
      expect([...weights.read(name)]).toEqual(values);
    });
  });

  it('packs a strided view as it packs any other matrix', () => {
    using(fixture(`torch/${file}`), (weights) => {
      const request = { sources: ['transposed'], packing: 'transpose', sourceShapes: [[4, 3]] } as const;
      const out = new Uint8Array(3 * 4 * 4);
      weights.pack(request, out, 'f32');
      expect([...new Float32Array(out.buffer)]).toEqual(base);
    });
  });
});

describe('what a checkpoint may look like', () => {
  it('a state dict under a usual name, among other things', () => {
    using(fixture('torch/wrapped.pt'), (weights) => expect(weights.names()).toEqual(['weight', 'bias']));
  });

  it('a whole module with buffers', () => {
    using(fixture('torch/module.pt'), (weights) => {
      expect(weights.names()).toEqual([
        ...['0.weight', '0.bias', '1.weight', '1.bias'],
        ...['1.running_mean', '1.running_var', '1.num_batches_tracked'],
      ]);
      expect([...weights.read('1.running_var')]).toEqual([1, 1]);
    });
  });

  it('an archive with 64-bit sizes', () => {
    const value = pickle.dict(pickle.text('w'), vector(2));
    using(stored(torchBytes(value, { 0: floats(1, 2) }, { zip64: true })), (weights) =>
      expect([...weights.read('w')]).toEqual([1, 2]),
    );
  });

  it('a network folder without safetensors', () => {
    for (const name of ['diffusion_pytorch_model.bin', 'pytorch_model.bin', 'model.pt', 'encoder.pkl']) {
      const network = join(folder, name);
      mkdirSync(network);
      copyFileSync(fixture('torch/wrapped.pt'), join(network, name));
      using(network, (weights) => expect(weights.names()).toEqual(['weight', 'bias']));
    }
  });

  it('shards by their index', () => {
    const network = join(folder, 'shards');
    mkdirSync(network);
    copyFileSync(fixture('torch/wrapped.pt'), join(network, 'a.bin'));
    copyFileSync(fixture('torch/views.bin'), join(network, 'b.bin'));
    const index = JSON.stringify({ weight_map: { weight: 'a.bin', rows: 'b.bin' } });
    writeFileSync(join(network, 'pytorch_model.bin.index.json'), index);
    using(network, (weights) => expect(weights.names()).toEqual(['weight', 'rows']));
  });
});

describe('names that are refused', () => {
  const marker = join(folder, 'executed');
  const touch = pickle.text(`touch ${marker}`);
  const system = pickle.call(pickle.global('os', 'system'), touch);
  const code = pickle.text(`__import__('os').system('touch ${marker}')`);
  const stackGlobal = Buffer.concat([pickle.text('posix'), pickle.text('system'), Buffer.from([0x93])]);

  it.each([
    ['os.system', system],
    ['posix.system', pickle.call(pickle.global('posix', 'system'), touch)],
    ['posix.system', pickle.call(stackGlobal, touch)],
    ['nt.system', pickle.call(pickle.global('nt', 'system'), touch)],
    ['builtins.eval', pickle.call(pickle.global('builtins', 'eval'), code)],
    ['__builtin__.exec', pickle.call(pickle.global('__builtin__', 'exec'), code)],
    ['builtins.getattr', pickle.call(pickle.global('builtins', 'getattr'), touch, touch)],
    ['subprocess.Popen', pickle.call(pickle.global('subprocess', 'Popen'), touch)],
    ['torch.load', pickle.call(pickle.global('torch', 'load'), touch)],
    ['torch.storage._load_from_bytes', pickle.call(pickle.global('torch.storage', '_load_from_bytes'), touch)],
    ['torch._utils.os.system', pickle.call(pickle.global('torch._utils', 'os.system'), touch)],
    [
      'torch.nn.modules.container.os.system',
      pickle.call(pickle.global('torch.nn.modules.container.os', 'system'), touch),
    ],
    // Within an allowed call, within a state dict, and as an attribute.
    ['os.system', pickle.call(pickle.global('collections', 'OrderedDict'), system)],
    ['os.system', pickle.dict(pickle.text('w'), system)],
    ['os.system', pickle.tensor(system, 0, [1], [1])],
  ])('%s', (name, value) => {
    expect(() => openWeights(stored(torchBytes(value)))).toThrow(invalid(`"${name}"`));
    expect(existsSync(marker)).toBe(false);
  });

  it('in a pre-zip file too', () => {
    const bytes = readFileSync(fixture('torch/views_legacy.bin'));
    const at = bytes.indexOf('collections\nOrderedDict\n');
    const evil = Buffer.concat([bytes.subarray(0, at), Buffer.from('posix\nsystem\n'), bytes.subarray(at + 24)]);
    expect(() => openWeights(stored(evil))).toThrow(invalid('"posix.system"'));
  });

  it('calls of what is only a class', () => {
    const linear = pickle.global('torch.nn.modules.linear', 'Linear');
    expect(() => openWeights(stored(torchBytes(pickle.call(linear, touch))))).toThrow(
      invalid('calls torch.nn.modules'),
    );
  });

  it('a call of what a call gave', () => {
    const twice = pickle.call(pickle.call(pickle.global('collections', 'OrderedDict')), touch);
    expect(() => openWeights(stored(torchBytes(twice)))).toThrow(invalid('calls what is no name'));
  });
});

describe('files that lie', () => {
  const value = pickle.dict(pickle.text('w'), vector(2));
  const bomb = (times: number, piece: string): Buffer => Buffer.from(piece.repeat(times), 'latin1');

  it.each([
    ['no file of PyTorch', Buffer.from('hello there'), 'neither a PyTorch file'],
    ['an empty file', Buffer.alloc(0), 'too short'],
    ['some other pickle', Buffer.from('\x80\x02K\x01.', 'latin1'), 'not one of PyTorch'],
    ['an archive of something else', zipBytes({ 'a.txt': Buffer.from('x') }), 'no data.pkl'],
    ['a compressed archive', torchBytes(value, { 0: floats(1, 2) }, { method: 8 }), 'compressed'],
    ['a lacking storage', torchBytes(value), 'lacks the storage'],
    ['a storage that is too short', torchBytes(value, { 0: floats(1) }), 'too few'],
    ['a tensor of nothing', torchBytes(pickle.dict(pickle.text('w'), pickle.int(3))), 'no tensors'],
    [
      'a view beyond its storage',
      torchBytes(pickle.dict(pickle.text('w'), pickle.tensor(pickle.storage('FloatStorage', '0', 4), 3, [2], [1])), {
        0: floats(1, 2, 3, 4),
      }),
      'reaches beyond',
    ],
    [
      'a view of 4 GiB of one element',
      torchBytes(
        pickle.dict(pickle.text('w'), pickle.tensor(pickle.storage('FloatStorage', '0', 1), 0, [1 << 30], [0])),
        { 0: floats(1) },
      ),
      'more elements than its storage',
    ],
    [
      'sizes that overflow',
      torchBytes(
        pickle.dict(
          pickle.text('w'),
          pickle.tensor(pickle.storage('FloatStorage', '0', 1), 0, Array(20).fill(2 ** 30), Array(20).fill(1)),
        ),
        { 0: floats(1) },
      ),
      'more elements than its storage',
    ],
    ['a string as long as 4 GiB', torchBytes(Buffer.from('X\xff\xff\xff\xff', 'latin1')), 'ends too early'],
    ['a number of 4 GiB', torchBytes(Buffer.from('\x8b\xff\xff\xff\x7f', 'latin1')), 'ends too early'],
    ['operations without end', torchBytes(bomb(2_100_000, ']')), 'more than 2000000 operations'],
    ['an unknown operation', torchBytes(Buffer.from('\x82\x01', 'latin1')), 'operation 0x82'],
    ['a value that is not there', torchBytes(Buffer.from('R')), 'not there'],
    ['a memo that is empty', torchBytes(Buffer.from('h\x07', 'latin1')), 'never kept'],
  ])('%s', (_, bytes, why) => {
    expect(() => openWeights(stored(bytes))).toThrow(invalid(why));
  });

  it('a module that contains itself', () => {
    const modules = (child: Uint8Array) => pickle.dict(pickle.text('_modules'), pickle.dict(pickle.text('m'), child));
    const linear = pickle.global('torch.nn.modules.linear', 'Linear');
    // The instance is kept, then given a state that recalls it.
    const self = Buffer.concat([
      linear,
      Buffer.from(')\x81q\x00', 'latin1'),
      modules(Buffer.from('h\0')),
      Buffer.from('b'),
    ]);
    expect(() => openWeights(stored(torchBytes(self)))).toThrow(invalid('nested too deeply'));
  });

  it('modules that double at each level', () => {
    const linear = pickle.global('torch.nn.modules.linear', 'Linear');
    let value = Buffer.concat([linear, Buffer.from(')\x81', 'latin1')]);
    for (let level = 0; level < 40; level++) {
      const twice = pickle.dict(
        pickle.text('a'),
        value,
        pickle.text('b'),
        Buffer.from(`h${String.fromCharCode(level)}`, 'latin1'),
      );
      // The child is kept under its level's number when it is made.
      const kept = Buffer.concat([value, Buffer.from(`q${String.fromCharCode(level)}`, 'latin1')]);
      const both = Buffer.concat([
        twice.subarray(0, 2),
        pickle.text('a'),
        kept,
        pickle.text('b'),
        Buffer.from([0x68, level]),
        Buffer.from('u'),
      ]);
      const state = pickle.dict(pickle.text('_modules'), both);
      value = Buffer.concat([linear, Buffer.from(')\x81', 'latin1'), state, Buffer.from('b')]);
    }
    expect(() => openWeights(stored(torchBytes(value)))).toThrow(invalid('more modules and tensors'));
  });

  it('a file that goes away while it is in use', () => {
    const path = stored(readFileSync(fixture('torch/views.bin')));
    const weights = openWeights(path);
    writeFileSync(path, '');
    expect(() => weights.read('f32')).toThrow(invalid('truncated while it was in use'));
    expect(() => weights.read('transposed')).toThrow(invalid('truncated while it was in use'));
    weights.close();
  });
});

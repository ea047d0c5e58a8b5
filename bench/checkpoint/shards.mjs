// Writes the tensors of one network as safetensors: one file, or shards with an index, as diffusers and transformers do.
import { closeSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** @typedef {{ name: string, shape: readonly number[] }} TensorInfo */

const bytesOf = ({ shape }) => 2 * shape.reduce((a, b) => a * b, 1);

/** Cuts a list of tensors, in order, where a file would grow beyond `most` bytes. @param {TensorInfo[]} tensors */
function cut(tensors, most) {
  const shards = [[]];
  let bytes = 0;
  for (const tensor of tensors) {
    if (bytes > 0 && bytes + bytesOf(tensor) > most) {
      shards.push([]);
      bytes = 0;
    }
    shards.at(-1).push(tensor);
    bytes += bytesOf(tensor);
  }
  return shards;
}

/** The header: name → dtype, shape and place, padded with blanks so that the data begins at a multiple of 8. */
function header(tensors) {
  let end = 0;
  const entries = tensors.map((tensor) => {
    const start = end;
    end += bytesOf(tensor);
    return [tensor.name, { dtype: 'F16', shape: tensor.shape, data_offsets: [start, end] }];
  });
  const json = Buffer.from(JSON.stringify({ __metadata__: { format: 'pt' }, ...Object.fromEntries(entries) }));
  const text = Buffer.concat([json, Buffer.alloc(-json.length & 7, ' ')]);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text]);
}

/**
 * @param {string} folder that exists
 * @param {string} stem e.g. diffusion_pytorch_model
 * @param {TensorInfo[]} tensors
 * @param {import('./random-weights.mjs').RandomWeights} weights where their bytes come from
 * @param {number} shardBytes most bytes of tensors in a file
 * @returns {number} bytes of all tensors
 */
export function writeShards(folder, stem, tensors, weights, shardBytes) {
  const shards = cut(tensors, shardBytes);
  const number = (i) => String(i).padStart(5, '0');
  const fileName = (i) =>
    shards.length === 1 ? `${stem}.safetensors` : `${stem}-${number(i + 1)}-of-${number(shards.length)}.safetensors`;
  const map = {};
  shards.forEach((shard, i) => {
    const fd = openSync(join(folder, fileName(i)), 'wx');
    try {
      writeSync(fd, header(shard));
      for (const { name, shape } of shard) {
        for (const piece of weights.bytes(name, shape)) writeAll(fd, piece);
        map[name] = fileName(i);
      }
    } finally {
      closeSync(fd);
    }
  });
  const total_size = tensors.reduce((sum, t) => sum + bytesOf(t), 0);
  if (shards.length > 1) {
    const index = { metadata: { total_size }, weight_map: map };
    writeFileSync(join(folder, `${stem}.safetensors.index.json`), JSON.stringify(index));
  }
  return total_size;
}

/** A write may take less than it was given. */
function writeAll(fd, bytes) {
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done);
}

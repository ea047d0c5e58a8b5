import { elementCount } from '../../graph/types.js';
import { misfit, required, requirePositions, requireRank } from '../checks.js';
import { COPY_TOLERANCE, ELEMENTWISE_TOLERANCE, flatGrid, ioDefines, outputElements, vectorWidth } from '../flat.js';
import { lastDim, params, read, readWrite } from '../lowering.js';
import type { OpRecord } from '../types.js';

/**
 * table[ids] (+ positions): ids u32 [B, L], table [V, C], positions [≥ L, C] or absent, first u32 [B] or absent: the position of
 * each image's first id → [B, L, C].
 */
export const embedding: OpRecord = {
  name: 'embedding',
  summary: 'Rows of a table by id, plus positional embeddings; an id or a position beyond a table reads its last row.',
  infer(inputs) {
    const ids = required('embedding', inputs, 0);
    const table = required('embedding', inputs, 1);
    const positions = inputs[2] ?? null;
    requireRank('embedding', ids, 2, '[B, L]');
    requireRank('embedding', table, 2, '[V, C]');
    for (const t of [table, positions])
      if (t !== null && t.kind !== 'weight') misfit('embedding', `${t.name} must be a weight`);
    if (ids.dtype !== 'u32') misfit('embedding', `${ids.name} must be u32, not ${ids.dtype}`);
    const [batch, length] = ids.shape as [number, number];
    const channels = lastDim(table);
    if (positions !== null) {
      requireRank('embedding', positions, 2, '[L, C]');
      if (positions.shape[0]! < length || lastDim(positions) !== channels)
        misfit('embedding', `positions [${positions.shape}] do not cover [${length}, ${channels}]`);
    }
    const first = inputs[3] ?? null;
    if (first !== null) {
      if (positions === null) misfit('embedding', `${first.name} says where in positions to begin, but there are none`);
      requirePositions('embedding', first, batch);
    }
    return [[batch, length, channels]];
  },
  variants: [
    {
      name: 'portable',
      supports: () => true,
      lower(call) {
        const [ids, table, positions] = [call.inputs[0]!, call.inputs[1]!, call.inputs[2] ?? null];
        const first = call.inputs[3] ?? null;
        const out = call.outputs[0]!;
        const width = vectorWidth(lastDim(table));
        const channels = lastDim(table) / width;
        const count = elementCount(ids.shape) * channels;
        return [
          {
            shader: 'layout/embedding',
            defines: {
              ...ioDefines(width, table, out, positions),
              POSITIONS: positions !== null,
              FIRST: first !== null,
            },
            constants: {},
            bindings: [
              ...[readWrite(ids), read(table), read(positions), readWrite(out)],
              ...(first === null ? [] : [readWrite(first)]),
            ],
            params: params(count, channels, ids.shape[1]!, table.shape[0]! - 1, (positions?.shape[0] ?? 1) - 1),
            grid: flatGrid(count),
          },
        ];
      },
    },
  ],
  flops: (call) => (call.inputs[2] == null ? 0 : outputElements(call)),
  bytes(call) {
    const element = call.outputs[0]!.dtype === 'f16' ? 2 : 4;
    const streams = call.inputs[2] == null ? 2 : 3;
    return elementCount(call.inputs[0]!.shape) * 4 + outputElements(call) * element * streams;
  },
  tolerance: { f32: ELEMENTWISE_TOLERANCE.f32, f16: COPY_TOLERANCE.f16 },
};

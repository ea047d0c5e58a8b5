import type { Tensor } from '../../graph/types.js';
import { countAttr, misfit, required, requirePositions, requireRank } from '../checks.js';
import { lastDim, operandBytes, params, readWrite, storageDefines } from '../lowering.js';
import type { OpRecord } from '../types.js';

/** f32 words of a row of `settings`: guidance scale, temperature, top-k (0: all). */
export const SAMPLE_SETTINGS = 4;

/** Numbers that one workgroup holds of each image. */
const MOST_CATEGORIES = 2048;

const INVOCATIONS = 64;

/**
 * One code for each image from softmax(l / temperature), limited to the topK largest l, by the Gumbel-max trick (Maddison et al.
 * 2014): argmax(l + temperature · noise), the smaller index where two are equal; l = u + guidanceScale · (c − u) of the
 * conditional and unconditional logits. Operands: logits [B or 2B (unconditional half first), V]; noise f32 [B, K, V], Gumbel;
 * settings f32 [B, 4]; position u32 [R], R the rows of logits; attribute `first`, the position that belongs to code 0. Results,
 * in place: codes u32 [B, K], of which column position − first is written (nothing from K on); tokens u32 [R, 1], the code for
 * both halves; position, one further.
 */
export const sampleCategorical: OpRecord = {
  name: 'sampleCategorical',
  summary:
    'Guidance, top-k, temperature and a Gumbel-max draw of one code per image; moves the position of a sequence on.',
  infer(inputs, attrs) {
    const op = 'sampleCategorical';
    const [logits, noise, settings, position] = [0, 1, 2, 3].map((i) => required(op, inputs, i)) as [
      Tensor,
      Tensor,
      Tensor,
      Tensor,
    ];
    requireRank(op, logits, 2, '[R, V]');
    requireRank(op, noise, 3, '[B, K, V]');
    countAttr(op, attrs, 'first');
    const [batch, codes, categories] = noise.shape as [number, number, number];
    const rows = logits.shape[0]!;
    if (categories !== lastDim(logits) || (rows !== batch && rows !== 2 * batch))
      misfit(op, `noise [${noise.shape}] does not fit logits [${logits.shape}]`);
    if (categories > MOST_CATEGORIES) misfit(op, `${categories} categories; at most ${MOST_CATEGORIES} are supported`);
    for (const t of [noise, settings]) if (t.dtype !== 'f32') misfit(op, `${t.name} must be f32, not ${t.dtype}`);
    if (settings.shape.join() !== [batch, SAMPLE_SETTINGS].join())
      misfit(op, `settings [${settings.shape}] is not [${batch}, ${SAMPLE_SETTINGS}]`);
    requirePositions(op, position, rows);
    return [[batch, codes], [rows, 1], [rows]];
  },
  variants: [
    {
      name: 'portable',
      supports: () => true,
      lower(call) {
        const [logits, noise, settings, position] = call.inputs as readonly [Tensor, Tensor, Tensor, Tensor];
        const [codes, tokens] = call.outputs as readonly [Tensor, Tensor];
        const [batch, steps, categories] = noise.shape as [number, number, number];
        return [
          {
            shader: 'sampling/sample-categorical',
            defines: {
              ...storageDefines(call.dtype),
              GUIDED: logits.shape[0] !== batch,
              CATEGORIES: categories,
              INVOCATIONS,
            },
            constants: {},
            bindings: [logits, noise, settings, position, codes, tokens].map(readWrite),
            params: params(batch, steps, call.attrs.first as number),
            grid: [batch, 1, 1],
          },
        ];
      },
    },
  ],
  flops: (call) => 6 * call.outputs[0]!.shape[0]! * lastDim(call.inputs[0]!),
  bytes(call) {
    const noise = call.inputs[1]!;
    return operandBytes({ ...call, inputs: [call.inputs[0]!], outputs: [] }) + 4 * noise.shape[0]! * lastDim(noise);
  },
  tolerance: { f32: { relL2: 0, maxAbs: 0 }, f16: { relL2: 0, maxAbs: 0 } },
};

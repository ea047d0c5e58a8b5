import { elementCount } from '../graph/types.js';
import { pad4, type WeightRequest } from '../graph/weights-spec.js';
import { UnclipError } from '../util/errors.js';
import type { StoredTensor, TensorSource } from './stored-tensor.js';

/** A stored weight as [outputs, inputs, taps]. */
interface MatrixShape {
  outputs: number;
  inputs: number;
  taps: number;
}

const itemBytes = (f16: boolean): number => (f16 ? 2 : 4);

/** Columns of a matrix: the outputs of all its sources. */
const columnsOf = (request: WeightRequest): number =>
  request.sourceShapes.reduce((sum, _, i) => sum + matrixShape(request, i).outputs, 0);

/**
 * Bytes of the packed tensor, rounded up to 4. `vector` and scales are always f32, quantised values int8.
 * @param dtype element type of the other packings
 */
export function packedBytes(request: WeightRequest, dtype: 'f32' | 'f16'): number {
  const { packing, sourceShapes } = request;
  const count = sourceShapes.reduce((sum, shape) => sum + elementCount(shape), 0);
  if (packing === 'vector') return pad4(count) * 4;
  const bytes = request.quantized === 'values' ? 1 : itemBytes(dtype === 'f16');
  if (packing === 'copy') return pad4(count * bytes);
  const { inputs, taps } = matrixShape(request, 0);
  const columns = columnsOf(request);
  if (request.quantized === 'scales') return pad4(columns) * 4;
  return inputs * taps * pad4(columns) * bytes;
}

/**
 * Converts and packs what `request` describes from the mapped checkpoint into `destination`, which holds exactly
 * packedBytes(request, dtype) bytes; padding becomes zeros. Several sources lie side by side along the output dimension.
 * @throws UnclipError MODEL_TENSOR_MISSING, MODEL_TENSOR_SHAPE, MODEL_TENSOR_DTYPE (values beyond f16, or not
 * finite where they are quantised), INPUT_INVALID (destination)
 */
export function packInto(
  weights: TensorSource,
  request: WeightRequest,
  destination: Uint8Array,
  dtype: 'f32' | 'f16',
): void {
  const size = packedBytes(request, dtype);
  if (destination.byteLength !== size) {
    throw new UnclipError(
      'INPUT_INVALID',
      `${request.sources.join('+')} packs into ${size} bytes, the destination has ${destination.byteLength}`,
    );
  }
  const sources = request.sources.map((name, i) => weights.get(name, request.sourceShapes[i]));
  if (request.packing === 'vector' || request.packing === 'copy') {
    packFlat(sources, destination, request.packing === 'copy' && dtype === 'f16');
  } else if (request.quantized === 'scales') {
    packScales(request, sources, destination);
  } else {
    packColumns(request, sources, destination, dtype === 'f16');
  }
}

function packFlat(sources: readonly StoredTensor[], destination: Uint8Array, f16: boolean): void {
  const bytes = itemBytes(f16);
  let byteOffset = 0;
  sources.forEach((source, i) => {
    const count = elementCount(source.shape);
    const last = i === sources.length - 1;
    const zeros = last ? destination.byteLength / bytes - byteOffset / bytes - count : 0;
    source.file.copy(source.name, destination, { f16, byteOffset, zeros, part: source.part });
    byteOffset += count * bytes;
  });
}

function packColumns(
  request: WeightRequest,
  sources: readonly StoredTensor[],
  destination: Uint8Array,
  f16: boolean,
): void {
  const columns = columnsOf(request);
  const stride = pad4(columns);
  let column = 0;
  sources.forEach(({ file, name, part }, i) => {
    const shape = matrixShape(request, i);
    const zeros = i === sources.length - 1 ? stride - columns : 0;
    const place = { byteOffset: 0, ...shape, stride, column, zeros, part };
    if (request.quantized === 'values') file.packQuantized(name, destination, place);
    else file.pack(name, destination, { f16, ...place });
    column += shape.outputs;
  });
}

function packScales(request: WeightRequest, sources: readonly StoredTensor[], destination: Uint8Array): void {
  const columns = columnsOf(request);
  let column = 0;
  sources.forEach(({ file, name, part }, i) => {
    const { outputs } = matrixShape(request, i);
    const zeros = i === sources.length - 1 ? pad4(columns) - columns : 0;
    file.quantizationScales(name, destination, { byteOffset: column * 4, outputs, zeros, part });
    column += outputs;
  });
}

function matrixShape(request: WeightRequest, index: number): MatrixShape {
  const shape = request.sourceShapes[index]!;
  const [outputs, inputs] = shape;
  const first = request.sourceShapes[0]!;
  if (outputs === undefined || inputs === undefined || shape.slice(1).join() !== first.slice(1).join()) {
    throw new UnclipError(
      'GRAPH_INVALID',
      `${request.sources.join('+')} cannot lie side by side: their shapes do not fit`,
    );
  }
  return { outputs, inputs, taps: elementCount(shape.slice(2)) };
}

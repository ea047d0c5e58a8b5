/** Without the trailing ones that a 1×1 kernel adds to a matrix: [N, K, 1, 1] → [N, K]. */
function withoutKernel(shape: readonly number[]): readonly number[] {
  let rank = shape.length;
  while (rank > 2 && shape[rank - 1] === 1) rank--;
  return shape.slice(0, rank);
}

/** Whether two shapes are the same but for a trailing 1×1 kernel. */
export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  const [x, y] = [withoutKernel(a), withoutKernel(b)];
  return x.length === y.length && x.every((extent, i) => extent === y[i]);
}

/** E.g. `[320, 4, 3, 3]`. */
export const describeShape = (shape: readonly number[]): string => `[${shape.join(', ')}]`;

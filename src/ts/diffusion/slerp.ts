/** Below this length, what is left of a direction is rounding. */
const NEGLIGIBLE = 1e-7;

/**
 * Spherical interpolation between two vectors of the same length n (Shoemake, SIGGRAPH 1985): the direction turns at constant
 * angular speed along the great circle, the Euclidean length goes in proportion. Noise stays as long as noise is, which a
 * straight line's middle does not. Vectors of opposite directions turn by way of one axis, chosen by the first alone; where one
 * is all zeros the path is straight.
 * @param t 0 gives `from`, 1 gives `to`, to the bit
 */
export function slerp(from: Float32Array, to: Float32Array, t: number): Float32Array {
  if (t === 0 || t === 1) return Float32Array.from(t === 0 ? from : to);
  const [a, b] = [norm(from), norm(to)];
  if (a === 0 || b === 0) return from.map((value, i) => (1 - t) * value + t * to[i]!);
  const cosine = Math.min(1, Math.max(-1, dot(from, to) / (a * b)));
  const side = Float64Array.from(from, (value, i) => to[i]! / b - (cosine * value) / a);
  let sideways = norm(side);
  if (sideways < NEGLIGIBLE) sideways = cosine > 0 ? Number.POSITIVE_INFINITY : turnAside(from, a, side);
  const angle = t * Math.acos(cosine);
  const length = (1 - t) * a + t * b;
  const [along, across] = [(length * Math.cos(angle)) / a, (length * Math.sin(angle)) / sideways];
  return from.map((value, i) => along * value + across * side[i]!);
}

/**
 * A vector turned towards a direction that need not have its length: {@link slerp} that keeps the length of `from`.
 * @param t part of the angle between the two, 0 … 1
 */
export function turnTowards(from: Float32Array, direction: Float32Array, t: number): Float32Array {
  const scale = norm(direction) === 0 ? 0 : norm(from) / norm(direction);
  return slerp(
    from,
    direction.map((value) => value * scale),
    t,
  );
}

/** Makes `side` the part of the axis along which `from` is shortest that is perpendicular to it; returns its length. */
function turnAside(from: Float32Array, length: number, side: Float64Array): number {
  let axis = 0;
  for (let i = 1; i < from.length; i++) if (Math.abs(from[i]!) < Math.abs(from[axis]!)) axis = i;
  for (let i = 0; i < side.length; i++) side[i] = (i === axis ? 1 : 0) - (from[axis]! * from[i]!) / length ** 2;
  return norm(side);
}

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

const norm = (a: ArrayLike<number>): number => Math.sqrt(dot(a, a));

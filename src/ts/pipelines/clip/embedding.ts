/** A CLIP embedding, not normalised: what unCLIP's prior and decoder take. f32 [E]. */
export type Embedding = Float32Array;

/** Σ aᵢ·bᵢ in f64. */
function dot(a: Embedding, b: Embedding): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

/** Euclidean length of an embedding. */
export const embeddingNorm = (e: Embedding): number => Math.sqrt(dot(e, e));

/** The embedding at length 1; one of zeros stays as it is. */
export function normalized(e: Embedding): Embedding {
  const norm = embeddingNorm(e);
  return norm === 0 ? e : e.map((value) => value / norm);
}

/** Cosine of the angle between two embeddings, −1 … 1; 0 when one of them is all zeros. */
export function cosineSimilarity(a: Embedding, b: Embedding): number {
  const norms = embeddingNorm(a) * embeddingNorm(b);
  return norms === 0 ? 0 : Math.min(1, Math.max(-1, dot(a, b) / norms));
}

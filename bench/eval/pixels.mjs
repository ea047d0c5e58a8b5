/** @typedef {{ width: number, height: number, channels: number, data: Uint8Array }} Picture */

/**
 * Mean over square blocks, rounded to 8 bits as training/world/raster.mjs does it; RGB, alpha dropped.
 * @param {Picture} picture its side a multiple of `size` @param {number} size @returns {Picture}
 */
export function shrink({ width, height, channels, data }, size) {
  const block = width / size;
  if (width !== height || !Number.isInteger(block))
    throw new Error(`pictures of ${width}×${height} cannot be shrunk to the checker's ${size}×${size} by whole blocks`);
  const out = new Uint8Array(size * size * 3);
  for (let y = 0; y < size; y++)
    for (let x = 0; x < size; x++)
      for (let c = 0; c < 3; c++) {
        let sum = 0;
        for (let dy = 0; dy < block; dy++)
          for (let dx = 0; dx < block; dx++) sum += data[((y * block + dy) * width + x * block + dx) * channels + c];
        out[(y * size + x) * 3 + c] = Math.round(sum / block ** 2);
      }
  return { width: size, height: size, channels: 3, data: out };
}

/** In dB, of two pictures of the same size with 8 bits a channel. @param {Uint8Array} a @param {Uint8Array} b */
export function psnrOfBytes(a, b) {
  let squares = 0;
  for (let i = 0; i < a.length; i++) squares += (a[i] - b[i]) ** 2;
  return 10 * Math.log10(255 ** 2 / Math.max(squares / a.length, 1e-9));
}

/** @param {string} hex @returns {[number, number, number]} */
function parse(hex) {
  const value = Number.parseInt(hex.slice(1), 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}

/**
 * Lighter (> 1) or darker (< 1) than the given colour; lightening goes towards white so that the hue stays.
 * @param {string} hex @param {number} factor
 */
export function shade(hex, factor) {
  const mixed = parse(hex).map((c) => (factor <= 1 ? c * factor : c + (255 - c) * Math.min(1, factor - 1)));
  return `rgb(${mixed.map((c) => Math.round(Math.max(0, Math.min(255, c)))).join(',')})`;
}

/**
 * The three tones a thing is drawn in.
 * @param {string} hex @param {number} jitter
 */
export function tones(hex, jitter) {
  return { body: shade(hex, jitter), light: shade(hex, jitter + 0.3), dark: shade(hex, jitter * 0.72) };
}

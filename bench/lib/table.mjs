/**
 * A table for a terminal: the first column to the left, the others to the right.
 * @param {readonly string[]} head @param {readonly (readonly (string | number)[])[]} rows
 */
export function table(head, rows) {
  const text = [head, ...rows].map((row) => row.map(String));
  const widths = head.map((_, i) => Math.max(...text.map((row) => row[i].length)));
  const line = (row) => row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('  ');
  return [line(text[0]), widths.map((w) => '-'.repeat(w)).join('  '), ...text.slice(1).map(line)].join('\n');
}

/** @param {number | undefined} value @param {number} digits */
export const fixed = (value, digits) => (value === undefined || Number.isNaN(value) ? '-' : value.toFixed(digits));

/** @param {number} bytes */
export const mib = (bytes) => (bytes / 2 ** 20).toFixed(2);

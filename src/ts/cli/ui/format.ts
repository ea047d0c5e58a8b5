const BYTE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

/** Bytes for people: `512 B`, `1.5 KiB`, `34.2 MiB`. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < BYTE_UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${BYTE_UNITS[unit]}`;
}

const COUNT_UNITS = ['', 'k', 'M', 'G', 'T', 'P'];

/** Large counts for people, in thousands: `950`, `1.2 M`, `34 G`. */
export function formatCount(count: number): string {
  let value = count;
  let unit = 0;
  while (value >= 1000 && unit < COUNT_UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  if (unit === 0) return String(count);
  return `${value >= 100 ? Math.round(value) : value.toFixed(1)} ${COUNT_UNITS[unit]}`;
}

/** Durations for people: `85 ms`, `3.2 s`, `2:05 min`, `1:02:05 h`. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  const two = (n: number): string => String(n).padStart(2, '0');
  if (seconds < 3600) return `${Math.floor(seconds / 60)}:${two(seconds % 60)} min`;
  return `${Math.floor(seconds / 3600)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)} h`;
}

export const plural = (n: number, noun: string): string => `${n} ${noun}${n === 1 ? '' : 's'}`;

/** A text from outside on one line of a terminal: no control characters, at most `limit` characters. */
export function onOneLine(text: string, limit = 2000): string {
  const plain = text.replace(/\p{Cc}+/gu, ' ').trim();
  return plain.length > limit ? `${plain.slice(0, limit - 1)}…` : plain;
}

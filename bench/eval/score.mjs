import { wilson } from './statistics.mjs';

export const ATTRIBUTES = ['thing', 'colour', 'place'];

/** @typedef {{ wanted: import('./world.mjs').Wanted, seen: Record<string, string> }} Judged */

/** @param {Judged} judged */
export const isRight = ({ wanted, seen }) => ATTRIBUTES.every((name) => seen[name] === wanted[name]);

/**
 * Shares right by attribute and of all three, each with Wilson's 95 % interval.
 * @param {readonly Judged[]} judged
 */
export function shares(judged) {
  const share = (test) => {
    const right = judged.filter(test).length;
    return { right, of: judged.length, share: right / judged.length, ...wilson(right, judged.length) };
  };
  const parts = ATTRIBUTES.map((name) => [name, share(({ wanted, seen }) => seen[name] === wanted[name])]);
  return Object.fromEntries([...parts, ['all', share(isRight)]]);
}

/** Shares fully right by label of one attribute. @param {readonly Judged[]} judged @param {string} name */
export function byLabel(judged, name) {
  const labels = [...new Set(judged.map((j) => j.wanted[name]))].sort();
  return labels.map((label) => {
    const group = judged.filter((j) => j.wanted[name] === label);
    return { label, of: group.length, right: group.filter(isRight).length };
  });
}

/** What was taken for what, most frequent first. @param {readonly Judged[]} judged @param {string} name */
export function confusions(judged, name) {
  const counts = new Map();
  for (const { wanted, seen } of judged) {
    if (wanted[name] === seen[name]) continue;
    const key = `${wanted[name]}\0${seen[name]}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return [...counts]
    .map(([key, count]) => ({ wanted: key.split('\0')[0], seen: key.split('\0')[1], count }))
    .sort((a, b) => b.count - a.count || a.wanted.localeCompare(b.wanted));
}

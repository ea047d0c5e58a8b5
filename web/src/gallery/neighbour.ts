/**
 * Where an arrow key goes in a grid of elements that flow in lines, of any number a line.
 * @returns undefined for other keys, at an edge, and when none of the elements has the focus
 */
export function neighbour(
  elements: readonly HTMLElement[],
  { key, target }: { readonly key: string; readonly target: EventTarget | null },
): HTMLElement | undefined {
  const from = elements.indexOf(target as HTMLElement);
  if (from < 0) return undefined;
  if (key === 'ArrowLeft') return elements[from - 1];
  if (key === 'ArrowRight') return elements[from + 1];
  if (key === 'Home') return elements[0];
  if (key === 'End') return elements.at(-1);
  if (key !== 'ArrowUp' && key !== 'ArrowDown') return undefined;
  const { offsetLeft } = elements[from]!;
  const sameColumn = (element: HTMLElement): boolean => element.offsetLeft === offsetLeft;
  return key === 'ArrowUp' ? elements.slice(0, from).findLast(sameColumn) : elements.slice(from + 1).find(sameColumn);
}

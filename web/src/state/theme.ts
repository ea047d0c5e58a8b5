import { kept } from './storage.js';
import { Store } from './store.js';

/** 'system': as the system has it. */
export type Theme = 'system' | 'light' | 'dark';

const THEMES: readonly Theme[] = ['system', 'light', 'dark'];

const storage = kept('theme');

export const theme = new Store<Theme>(THEMES.find((name) => name === storage.read()) ?? 'system');

/** Shows the theme that was chosen, now and whenever it changes. */
export function followTheme(): void {
  const show = (name: Theme): void => {
    if (name === 'system') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = name;
  };
  show(theme.value);
  theme.subscribe((name) => {
    storage.write(name);
    show(name);
  });
}

export function nextTheme(): void {
  theme.value = THEMES[(THEMES.indexOf(theme.value) + 1) % THEMES.length]!;
}

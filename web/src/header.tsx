import { model } from './state/model.js';
import { useStore } from './state/store.js';
import { nextTheme, theme } from './state/theme.js';
import { IconButton } from './ui/button.js';

const THEMES = {
  system: { icon: 'half', label: 'Theme: as the system' },
  light: { icon: 'sun', label: 'Theme: light' },
  dark: { icon: 'moon', label: 'Theme: dark' },
} as const;

export function Header() {
  const { icon, label } = THEMES[useStore(theme)];
  return (
    <header class="top">
      <h1>unclip</h1>
      <span class="model">{useStore(model)?.id}</span>
      <IconButton icon={icon} label={label} onClick={nextTheme} />
    </header>
  );
}

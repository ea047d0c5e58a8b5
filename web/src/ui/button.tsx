import { Icon, type IconName } from './icons.js';

interface ButtonProps {
  readonly icon: IconName;
  readonly label: string;
  /** What it does, where the label does not say it. */
  readonly help?: string;
  readonly disabled?: boolean;
  readonly pressed?: boolean;
  readonly tabIndex?: number;
  /** Shows the label beside the icon. */
  readonly wide?: boolean;
  onClick(): void;
}

/** A button with an icon. */
export const IconButton = ({ icon, label, help, disabled, pressed, tabIndex, wide, onClick }: ButtonProps) => (
  <button
    type="button"
    class={wide ? 'button' : 'button icon-only'}
    aria-label={wide ? undefined : label}
    aria-pressed={pressed}
    title={help ?? (wide ? undefined : label)}
    disabled={disabled}
    tabIndex={tabIndex}
    onClick={onClick}
  >
    <Icon name={icon} />
    {wide && <span>{label}</span>}
  </button>
);

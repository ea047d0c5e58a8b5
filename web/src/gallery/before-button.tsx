import { IconButton } from '../ui/button.js';

interface BeforeButtonProps {
  readonly pressed: boolean;
  onChange(pressed: boolean): void;
}

/** Shows the picture before the edit for as long as it is pressed in. */
export const BeforeButton = ({ pressed, onChange }: BeforeButtonProps) => (
  <IconButton
    icon="compare"
    label={pressed ? 'Show after' : 'Show before'}
    pressed={pressed}
    wide
    onClick={() => onChange(!pressed)}
  />
);

import type { ComponentChildren } from 'preact';
import { model } from '../state/model.js';
import { useStore } from '../state/store.js';
import { IconButton } from '../ui/button.js';
import { actionsOf } from './actions.js';
import type { Entry } from './entry.js';

interface ActionsProps {
  readonly entry: Entry;
  /** Shows labels beside the first icons. */
  readonly wide?: boolean;
  readonly tabIndex?: number;
  /** More buttons. */
  readonly children?: ComponentChildren;
}

/** Buttons of all that can be done with a picture. */
export const Actions = ({ entry, wide = false, tabIndex, children }: ActionsProps) => (
  <div class="actions">
    {actionsOf(entry, useStore(model)).map(({ icon, label, help, act }) => (
      <IconButton key={label} icon={icon} label={label} help={help} wide={wide} tabIndex={tabIndex} onClick={act} />
    ))}
    {children}
  </div>
);

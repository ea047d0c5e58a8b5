import { useStore } from '../state/store.js';
import { IconButton } from './button.js';
import { announcement, dismissNotice, notices } from './notices.js';

/** Messages at the edge, and what only a screen reader tells. */
export function Notices() {
  return (
    <>
      <div class="notices" role="status">
        {useStore(notices).map(({ number, text, action }) => (
          <div class="notice" key={number}>
            <span>{text}</span>
            {action && (
              <button
                type="button"
                class="button"
                onClick={() => {
                  dismissNotice(number);
                  action.act();
                }}
              >
                {action.name}
              </button>
            )}
            <IconButton icon="close" label="Dismiss" onClick={() => dismissNotice(number)} />
          </div>
        ))}
      </div>
      <div class="unseen" aria-live="polite" data-testid="announcement">
        {useStore(announcement)}
      </div>
    </>
  );
}

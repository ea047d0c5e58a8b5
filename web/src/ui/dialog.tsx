import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';

interface DialogProps {
  readonly label: string;
  readonly class: string;
  readonly children: ComponentChildren;
  /** Whether a click beside it leaves it open. */
  readonly steady?: boolean;
  onClose(): void;
  onKeyDown?(event: KeyboardEvent): void;
}

/** A modal dialog, open as long as it is there. Escape and a click beside it close it; focus goes back to where it was. */
export function Dialog({ label, class: name, children, steady = false, onClose, onKeyDown }: DialogProps) {
  const ref = useRef<HTMLDialogElement>(null);
  // Not an effect for later: the focus is back before anything else is done.
  useLayoutEffect(() => {
    const before = document.activeElement;
    const dialog = ref.current!;
    dialog.showModal();
    return () => {
      dialog.close();
      if (before instanceof HTMLElement && before.isConnected) before.focus({ preventScroll: true });
    };
  }, []);
  return (
    <dialog
      ref={ref}
      class={name}
      aria-label={label}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      // A browser may close it without asking, at the second Escape; not once it is gone.
      onClose={() => ref.current !== null && onClose()}
      onClick={(event) => !steady && isBeside(event) && onClose()}
      onKeyDown={onKeyDown}
    >
      {children}
    </dialog>
  );
}

/** Whether a click was on what lies around a dialog. */
function isBeside({ target, currentTarget, clientX, clientY }: MouseEvent): boolean {
  const { left, top, right, bottom } = (currentTarget as HTMLElement).getBoundingClientRect();
  return target === currentTarget && (clientX < left || clientX > right || clientY < top || clientY > bottom);
}

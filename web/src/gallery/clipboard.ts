/** Copies text. A page without TLS has no clipboard but the old command. @returns whether it is copied */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyByCommand(text);
  }
}

function copyByCommand(text: string): boolean {
  // Inside the dialog that is open: what lies outside of it cannot be selected.
  const parent = document.querySelector('dialog[open]') ?? document.body;
  const box = document.createElement('textarea');
  box.value = text;
  box.className = 'unseen';
  parent.append(box);
  box.select();
  const done = document.execCommand('copy');
  box.remove();
  return done;
}

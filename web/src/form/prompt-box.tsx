import { unknownWords } from './unknown-words.js';

interface PromptBoxProps {
  readonly id: string;
  readonly label: string;
  readonly value: string;
  readonly placeholder: string;
  readonly vocabulary: readonly string[] | undefined;
  onValue(value: string): void;
}

/** A prompt's text; Enter sends the form, Shift+Enter breaks the line. */
export function PromptBox({ id, label, value, placeholder, vocabulary, onValue }: PromptBoxProps) {
  const unknown = unknownWords(value, vocabulary);
  return (
    <div class="prompt">
      <label for={id}>{label}</label>
      <textarea
        id={id}
        rows={3}
        maxLength={32_000}
        value={value}
        placeholder={placeholder}
        aria-describedby={`${id}-words`}
        onInput={(event) => onValue(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
          event.preventDefault();
          event.currentTarget.form!.requestSubmit();
        }}
      />
      <p id={`${id}-words`} class="unknown" aria-live="polite">
        {unknown.length > 0 && (
          <>
            The model has never seen:{' '}
            {unknown.map((word, k) => (
              <>
                {k > 0 && ', '}
                <em key={word}>{word}</em>
              </>
            ))}
          </>
        )}
      </p>
    </div>
  );
}

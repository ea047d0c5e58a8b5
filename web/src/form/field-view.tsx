import type { Settings } from '../api/model.js';
import type { Field } from './fields.js';
import { NumberInput } from './number-input.js';

interface FieldViewProps {
  readonly field: Field;
  readonly value: string;
  readonly defaults: Settings;
  onValue(value: string): void;
}

/** A setting with its label; the model's default shows where nothing is given. */
export function FieldView({ field, value, defaults, onValue }: FieldViewProps) {
  const { name, label, help } = field;
  const id = `field-${name}`;
  // The first choice is what the server takes where the model says nothing.
  const standard = String(defaults[name] ?? (field.kind === 'choice' ? field.choices[0] : ''));
  return (
    <div class={value === '' ? 'field' : 'field changed'} title={help}>
      <label for={id}>{label}</label>
      {field.kind === 'number' ? (
        <NumberInput
          {...field}
          id={id}
          value={value}
          placeholder={standard}
          describedBy={`${id}-help`}
          onValue={onValue}
        />
      ) : (
        <select
          id={id}
          value={value}
          aria-describedby={`${id}-help`}
          onChange={(event) => onValue(event.currentTarget.value)}
        >
          <option value="">{standard}</option>
          {field.choices
            .filter((choice) => choice !== standard)
            .map((choice) => (
              <option key={choice}>{choice}</option>
            ))}
        </select>
      )}
      <span id={`${id}-help`} class="help">
        {help}
      </span>
    </div>
  );
}

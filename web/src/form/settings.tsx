import { useRef } from 'preact/hooks';
import type { Model } from '../api/model.js';
import { useStore } from '../state/store.js';
import { Icon } from '../ui/icons.js';
import { FieldView } from './field-view.js';
import { fieldGroups, settingsOf } from './fields.js';
import { form, setForm, setValue } from './form-state.js';

/** Everything about a picture beside prompt, count and seed. */
export function SettingsPanel({ model }: { readonly model: Model }) {
  const { values } = useStore(form);
  const details = useRef<HTMLDetailsElement>(null);
  const changed = Object.keys(settingsOf(model, values)).length;
  return (
    <details
      ref={details}
      class="settings"
      // A browser can only point to a wrong value that is to be seen.
      onInvalidCapture={() => {
        details.current!.open = true;
      }}
    >
      <summary>
        <Icon name="sliders" />
        Settings
        {changed > 0 && <span class="badge">{changed} changed</span>}
      </summary>
      {fieldGroups(model, values).map(({ title, fields }) => (
        <fieldset key={title}>
          <legend>{title}</legend>
          {fields.map((field) => (
            <FieldView
              key={field.name}
              field={field}
              value={values[field.name] ?? ''}
              defaults={model.defaults}
              onValue={(value) => setValue(field.name, value)}
            />
          ))}
        </fieldset>
      ))}
      <div class="settings-end">
        <span>
          Size {model.size} × {model.size}, the model’s own
        </span>
        <button type="button" class="button" disabled={changed === 0} onClick={() => setForm({ values: {} })}>
          Reset
        </button>
      </div>
    </details>
  );
}

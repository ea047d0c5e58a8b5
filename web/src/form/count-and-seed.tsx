import type { Model } from '../api/model.js';
import { useStore } from '../state/store.js';
import { IconButton } from '../ui/button.js';
import { form, randomSeed, setForm } from './form-state.js';
import { NumberInput } from './number-input.js';

/** How many pictures, and which noise they begin with. */
export function CountAndSeed({ model }: { readonly model: Model }) {
  const { count, seed } = useStore(form);
  const set = (next: number): void => setForm({ count: Math.min(model.most_pictures, Math.max(1, next)) });
  return (
    <div class="count-and-seed">
      <div class="field" title="Pictures of one prompt; picture k has the seed plus k.">
        <label for="count">Pictures</label>
        <div class="joined">
          <IconButton icon="minus" label="One less" disabled={count <= 1} onClick={() => set(count - 1)} />
          <input
            id="count"
            type="number"
            inputMode="numeric"
            min={1}
            max={model.most_pictures}
            required
            value={count}
            onChange={(event) => set(Math.round(event.currentTarget.valueAsNumber) || 1)}
          />
          <IconButton
            icon="plus"
            label="One more"
            disabled={count >= model.most_pictures}
            onClick={() => set(count + 1)}
          />
        </div>
      </div>
      <div class="field" title="The same seed gives the same picture. Empty: a random one.">
        <label for="seed">Seed</label>
        <div class="joined">
          <NumberInput
            id="seed"
            value={seed}
            min={0}
            max={Number.MAX_SAFE_INTEGER - model.most_pictures}
            step={1}
            placeholder="random"
            onValue={(value) => setForm({ seed: value })}
          />
          <IconButton icon="dice" label="Roll a seed" onClick={() => setForm({ seed: String(randomSeed()) })} />
        </div>
      </div>
    </div>
  );
}

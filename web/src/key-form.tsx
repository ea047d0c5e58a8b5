import { useState } from 'preact/hooks';
import { apiKey, keyWanted } from './api/key.js';
import { useStore } from './state/store.js';

/** Asks for an API key once the server has. */
export function KeyForm() {
  const [typed, setTyped] = useState('');
  const rejected = useStore(apiKey) !== undefined;
  if (!useStore(keyWanted)) return null;
  return (
    <form
      class="banner"
      onSubmit={(event) => {
        event.preventDefault();
        keyWanted.value = false;
        apiKey.renew(typed.trim());
      }}
    >
      <label for="api-key">
        {rejected ? 'The server does not know this API key. Give another:' : 'This server asks for an API key:'}
      </label>
      <input
        id="api-key"
        type="password"
        autocomplete="off"
        required
        value={typed}
        onInput={(event) => setTyped(event.currentTarget.value)}
      />
      <button type="submit" class="button primary">
        Use it
      </button>
      <span class="hint">It is forgotten when this tab is closed.</span>
    </form>
  );
}

import { Failure } from '../api/failure.js';
import { apiKey, keyWanted } from '../api/key.js';
import { fetchModel, type Model } from '../api/model.js';
import { Store } from './store.js';

/** The model that is served; undefined until the server has told. */
export const model = new Store<Model | undefined>(undefined);

/** Why the model is not known. */
export const modelTrouble = new Store<string | undefined>(undefined);

const AGAIN_MS = 3000;

/** Asks for the model until it is known. */
export async function loadModel(): Promise<void> {
  try {
    model.value = await fetchModel();
    modelTrouble.value = undefined;
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    if (error.kind === 'key') {
      keyWanted.value = true;
      const stop = apiKey.subscribe(() => {
        stop();
        void loadModel();
      });
      return;
    }
    modelTrouble.value = error.kind === 'lost' ? 'The server cannot be reached. Trying again…' : error.message;
    setTimeout(() => void loadModel(), AGAIN_MS);
  }
}

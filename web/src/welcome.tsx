import type { Model } from './api/model.js';

/** What stands where pictures will be. */
export const Welcome = ({ model }: { readonly model: Model }) => (
  <section class="welcome">
    <h2>A sentence becomes an image embedding, and that a picture.</h2>
    <p>
      Say what you want to see and press Draw. The picture appears here as it is denoised
      {model.nearest_captions > 0 && ', beside the captions that the model has in mind'}. Everything that is drawn stays
      in this browser.
    </p>
  </section>
);

import type { Model } from './api/model.js';

/** What stands where pictures will be. */
export const Welcome = ({ model }: { readonly model: Model }) => (
  <section class="welcome">
    <Way />
    <h2>A sentence becomes an image embedding, and that a picture.</h2>
    <p>
      Say what you want to see and press Draw. The picture appears here as it is denoised
      {model.nearest_captions > 0 && ', beside the captions that the model has in mind'}. Everything that is drawn stays
      in this browser.
    </p>
  </section>
);

/** Lengths of the embedding's bars, some above and some below the line. */
const BARS = [14, -8, 22, 6, -18, 10, -4, 26, -12, 16, -22, 8];

/** Sentence → embedding → picture, as a drawing. */
const Way = () => (
  <svg class="way" viewBox="0 0 320 72" aria-hidden="true">
    <path d="M4 24h64M4 36h48M4 48h58" class="text" />
    <path d="M92 36h20M106 30l6 6-6 6" />
    {BARS.map((length, k) => (
      <path key={length} d={`M${132 + 5 * k} 36v${-length}`} class="bars" />
    ))}
    <path d="M206 36h20M220 30l6 6-6 6" />
    <rect x="248" y="4" width="64" height="64" rx="10" />
    <path d="M248 54l18-18 14 14 10-9 22 20" />
    <circle cx="294" cy="22" r="6" class="sun" />
  </svg>
);

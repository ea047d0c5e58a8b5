import type { NearCaption } from '../api/draw.js';

const percent = (part: number): string => (part < 0.005 ? '< 1 %' : `${Math.round(100 * part)} %`);

/** The captions nearest to the image embedding that the prior has in mind, with their probabilities. */
export const Thoughts = ({ captions }: { readonly captions: readonly NearCaption[] }) => (
  <section class="thoughts" aria-label="What the model thinks">
    <h3>What the model thinks</h3>
    <p class="hint">
      Captions nearest to the image embedding that the prior predicts.
      <span class="legend">
        <span class="key likely">probability</span> <span class="key">cosine similarity</span>
      </span>
    </p>
    <ol>
      {captions.map(({ text, similarity, probability }, k) => (
        <li key={k} title={`Cosine similarity ${similarity.toFixed(3)}, probability ${percent(probability)}`}>
          <span class="caption">{text}</span>
          <span class="share">{percent(probability)}</span>
          <span class="bar" style={{ '--share': probability, '--cosine': Math.max(0, similarity) }} />
        </li>
      ))}
    </ol>
  </section>
);

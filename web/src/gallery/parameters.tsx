import { useFileUrl } from '../ui/pictures.js';
import type { Entry } from './entry.js';

const NAMES: Readonly<Record<string, string>> = {
  num_inference_steps: 'Decoder steps',
  guidance_scale: 'Decoder guidance',
  prior_num_inference_steps: 'Prior steps',
  prior_guidance_scale: 'Prior guidance',
  super_res_num_inference_steps: 'Upsampler steps',
  prior: 'Prior',
  prior_temperature: 'Prior temperature',
  prior_top_k: 'Prior top k',
  sampler: 'Sampler',
  spacing: 'Spacing',
  eta: 'Eta',
};

/** Everything that is known of how a picture was made. */
export function Parameters({ entry }: { readonly entry: Entry }) {
  const { seed, settings, model, time, width, height, source } = entry;
  const from = useFileUrl(source);
  const rows = [
    ...(seed === undefined ? [] : [['Seed', String(seed)]]),
    ...Object.entries(settings).map(([name, value]) => [NAMES[name] ?? name, String(value)]),
    ['Size', `${width} × ${height}`],
    ...(model === '' ? [] : [['Model', model]]),
    [entry.kind === 'own' ? 'Added' : 'Drawn', new Date(time).toLocaleString()],
  ];
  return (
    <dl class="parameters">
      {rows.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
      {from && (
        <div>
          <dt>Made from</dt>
          <dd>
            <img src={from} alt="What it was made from" />
          </dd>
        </div>
      )}
    </dl>
  );
}

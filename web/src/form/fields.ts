import type { Model, Settings } from '../api/model.js';

interface FieldBase {
  /** Of the API. */
  readonly name: string;
  readonly label: string;
  readonly help: string;
}

export interface NumberField extends FieldBase {
  readonly kind: 'number';
  readonly min: number;
  readonly max: number;
  /** 1 where it is a whole number. */
  readonly step: number;
}

export interface ChoiceField extends FieldBase {
  readonly kind: 'choice';
  readonly choices: readonly string[];
}

export type Field = NumberField | ChoiceField;

export interface FieldGroup {
  readonly title: string;
  readonly fields: readonly Field[];
}

const GUIDANCE = { kind: 'number', min: 0, max: 100, step: 0.1 } as const;

/** The settings of a model, in the order in which a picture is made. */
export function fieldGroups({ max_steps, priors, samplers, defaults }: Model, values: Values): readonly FieldGroup[] {
  const steps = { kind: 'number', min: 2, max: max_steps, step: 1 } as const;
  const autoregressive = (values.prior || defaults.prior) === 'ar';
  return [
    {
      title: 'Prior',
      fields: [
        ...(priors.length > 1
          ? [
              {
                kind: 'choice',
                name: 'prior',
                label: 'Prior',
                help: 'Which network turns the sentence into an image embedding.',
                choices: priors,
              } as const,
            ]
          : []),
        ...(autoregressive
          ? [
              {
                kind: 'number',
                name: 'prior_temperature',
                label: 'Temperature',
                help: 'Above 1: more surprising embeddings; below 1: safer ones.',
                min: 0,
                max: 100,
                step: 0.1,
              } as const,
            ]
          : [
              {
                ...steps,
                name: 'prior_num_inference_steps',
                label: 'Steps',
                help: 'Denoising steps from noise to the image embedding.',
              },
            ]),
        {
          ...GUIDANCE,
          name: 'prior_guidance_scale',
          label: 'Guidance',
          help: 'How much the embedding insists on the sentence. Up to 1: not at all.',
        },
      ],
    },
    {
      title: 'Decoder',
      fields: [
        {
          ...steps,
          name: 'num_inference_steps',
          label: 'Steps',
          help: 'Denoising steps from the embedding to a small picture. More take longer and make it finer.',
        },
        {
          ...GUIDANCE,
          name: 'guidance_scale',
          label: 'Guidance',
          help: 'How much the picture insists on embedding and sentence. Up to 1: not at all.',
        },
        {
          kind: 'choice',
          name: 'sampler',
          label: 'Sampler',
          help: 'How prior and decoder take a step.',
          choices: samplers,
        },
      ],
    },
    {
      title: 'Upsampler',
      fields: [
        {
          ...steps,
          name: 'super_res_num_inference_steps',
          label: 'Steps',
          help: 'Steps from the small picture to the large one.',
        },
      ],
    },
  ];
}

/** What stands in the fields, as text; empty or absent: the model's default. */
export type Values = Readonly<Record<string, string>>;

/** The settings that differ from the defaults. Fields that the model has not are passed over. */
export function settingsOf(model: Model, values: Values): Settings {
  const fields = fieldGroups(model, values).flatMap((group) => group.fields);
  const given = fields.filter(({ name }) => (values[name] ?? '') !== '');
  return Object.fromEntries(
    given.map(({ kind, name }) => [name, kind === 'number' ? Number(values[name]) : values[name]!]),
  );
}

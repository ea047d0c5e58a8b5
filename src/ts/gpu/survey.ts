import { isSoftware } from './find-adapter.js';
import { askDrivers, gpuInstance } from './instance.js';

/** Sizes of a subgroup matrix product that an adapter multiplies at once. */
export interface SubgroupMatrixConfig {
  readonly componentType: string;
  readonly resultComponentType: string;
  readonly M: number;
  readonly N: number;
  readonly K: number;
}

/** All that matters to the kernels about one adapter. */
export interface AdapterSurvey {
  readonly name: string;
  readonly vendor: string;
  readonly architecture: string;
  readonly software: boolean;
  readonly features: readonly string[];
  readonly subgroupMinSize: number | undefined;
  readonly subgroupMaxSize: number | undefined;
  readonly subgroupMatrixConfigs: readonly SubgroupMatrixConfig[];
  readonly limits: Readonly<Record<string, number>>;
}

const LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupsPerDimension',
  'maxImmediateSize',
] as const;

/** Every adapter that Dawn finds, the preferred one first; empty when there is none. Opens no device. */
export async function surveyAdapters(): Promise<AdapterSurvey[]> {
  return askDrivers(ask, ({ length }) => length === 0);
}

async function ask(): Promise<AdapterSurvey[]> {
  const gpu = await gpuInstance();
  const adapters = new Map<string, AdapterSurvey>();
  // The fallback adapter last: asked for it first, Dawn answers null even where there is one.
  const wishes: GPURequestAdapterOptions[] = [
    { powerPreference: 'high-performance' },
    { powerPreference: 'low-power' },
    { forceFallbackAdapter: true },
  ];
  for (const wish of wishes) {
    const adapter = await gpu.requestAdapter(wish);
    if (adapter === null) continue;
    const survey = describe(adapter);
    adapters.set(`${survey.vendor}/${survey.name}`, survey);
  }
  return [...adapters.values()].sort((a, b) => Number(a.software) - Number(b.software));
}

/** Dawn's `subgroupMatrixConfigs` is newer than the published types. */
type InfoWithMatrices = GPUAdapterInfo & { readonly subgroupMatrixConfigs?: Iterable<SubgroupMatrixConfig> };

function describe(adapter: GPUAdapter): AdapterSurvey {
  const info = adapter.info as InfoWithMatrices;
  const limits = adapter.limits as unknown as Record<string, number | undefined>;
  return {
    name: info.description || info.device || 'unknown adapter',
    vendor: info.vendor,
    architecture: info.architecture,
    software: isSoftware(info),
    features: [...adapter.features].sort(),
    subgroupMinSize: info.subgroupMinSize,
    subgroupMaxSize: info.subgroupMaxSize,
    subgroupMatrixConfigs: [...(info.subgroupMatrixConfigs ?? [])].map(
      ({ componentType, resultComponentType, M, N, K }) => ({ componentType, resultComponentType, M, N, K }),
    ),
    limits: Object.fromEntries(LIMITS.flatMap((name) => (limits[name] === undefined ? [] : [[name, limits[name]]]))),
  };
}

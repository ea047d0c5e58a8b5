import { existsSync } from 'node:fs';
import { release } from 'node:os';
import { Command } from 'commander';
import {
  type DriverEnvironment,
  hasGpuDevice,
  prepareDriverEnvironment,
  readPrivateDriver,
} from '../gpu/driver-env.js';
import { driverHints, readSystemFacts } from '../gpu/driver-hints.js';
import { type AdapterSurvey, surveyAdapters } from '../gpu/survey.js';
import { addon } from '../native/addon.js';
import { Checkpoint } from '../pipelines/checkpoint.js';
import { UnclipError } from '../util/errors.js';
import { ReportedFailure } from './failure.js';
import { bundledModelFolder } from './models.js';
import { formatBytes } from './ui/format.js';
import { type CommandContext, printJson, printLine } from './ui/terminal.js';

interface Diagnosis {
  readonly node: string;
  readonly system: string;
  readonly gpuDevice: boolean;
  readonly driver: DriverEnvironment & { readonly privateMesa?: string };
  readonly adapters: readonly AdapterSurvey[];
  readonly addon: { readonly ok: boolean; readonly problem?: string };
  readonly bundledModel: {
    readonly ok: boolean;
    readonly name?: string;
    readonly hash?: string;
    readonly problem?: string;
  };
  /** Whether `generate` can work here, given a model. */
  readonly canDraw: boolean;
  /** What is missing and how to get it. */
  readonly advice: readonly string[];
}

/** `unclip doctor`: whether this machine can draw, with what, and what to do if it cannot. */
export function doctorCommand(context: CommandContext): Command {
  return new Command('doctor')
    .description('check drivers, adapters, addon and model; say what is missing and how to get it')
    .option('--json', 'print one JSON document')
    .action((options: { json?: boolean }) => doctor(options, context));
}

async function doctor(options: { readonly json?: boolean }, { stdout }: CommandContext): Promise<void> {
  const diagnosis = await diagnose();
  if (options.json) printJson(stdout, diagnosis);
  else printLine(stdout, asText(diagnosis));
  if (!diagnosis.canDraw) throw new ReportedFailure();
}

async function diagnose(): Promise<Diagnosis> {
  const privateDriver = process.platform === 'linux' ? readPrivateDriver() : undefined;
  prepareDriverEnvironment();
  const adapters = await surveyAdapters();
  // Asked after the survey, which may have brought in the private driver.
  const environment = prepareDriverEnvironment();
  const native = attempt(() => addon());
  const bundled = attempt(() => {
    const model = Checkpoint.open(bundledModelFolder());
    const { info, hash } = model;
    model.close();
    return { name: info.name, hash };
  });
  const gpuDevice = hasGpuDevice();
  const advice: string[] = [];
  const hardware = adapters.some((a) => !a.software);
  if (adapters.length === 0 && environment.source === 'env')
    advice.push(
      `No adapter comes of VK_DRIVER_FILES or VK_ICD_FILENAMES (${environment.icd}): unset them, or name a driver that is there.`,
    );
  else if (adapters.length === 0 || (gpuDevice && !hardware))
    advice.push(...driverHints(readSystemFacts(existsSync('/dev/nvidiactl'))));
  if (adapters.length === 0 && process.platform === 'linux' && environment.source !== 'env')
    advice.push("Or run `npm run setup` in unclip's folder: it fetches Mesa's software driver for this user alone.");
  if (native.problem !== undefined) advice.push(native.problem);
  if (bundled.problem !== undefined)
    advice.push('The bundled model is not usable; name another model folder with --model.');
  return {
    node: process.version,
    system: `${process.platform} ${process.arch}, ${release()}`,
    gpuDevice,
    driver: { ...environment, privateMesa: privateDriver?.mesa },
    adapters,
    addon: { ok: native.problem === undefined, problem: native.problem },
    bundledModel: { ok: bundled.problem === undefined, ...bundled.value, problem: bundled.problem },
    canDraw: adapters.length > 0 && native.problem === undefined,
    advice,
  };
}

function attempt<T>(work: () => T): { value?: T; problem?: string } {
  try {
    return { value: work() };
  } catch (error) {
    if (error instanceof UnclipError) return { problem: `${error.code}: ${error.message}` };
    throw error;
  }
}

const SOURCES: Readonly<Record<DriverEnvironment['source'], string>> = {
  system: "the system's own",
  private: "the private software driver in the user's cache folder",
  env: 'named by VK_DRIVER_FILES or VK_ICD_FILENAMES',
};

function asText(d: Diagnosis): string {
  const { driver, bundledModel } = d;
  const lines = [
    `node      ${d.node}`,
    `system    ${d.system}`,
    `GPU       ${d.gpuDevice ? 'a device node is there' : 'the kernel shows none'}`,
    `drivers   ${SOURCES[driver.source]}${driver.privateMesa === undefined ? '' : ` (private Mesa ${driver.privateMesa} is there)`}`,
    `addon     ${d.addon.ok ? 'loads' : d.addon.problem}`,
    `model     ${bundledModel.ok ? `${bundledModel.name}, hash ${bundledModel.hash}` : bundledModel.problem}`,
    ...d.adapters.flatMap(adapterLines),
  ];
  if (d.adapters.length === 0) lines.push('adapter   none found');
  for (const line of d.advice) lines.push('', line);
  lines.push('', d.canDraw ? 'This machine can draw.' : 'This machine cannot draw yet.');
  return lines.join('\n');
}

/** Optional features that kernels have variants for. */
const USED_FEATURES = ['shader-f16', 'subgroups', 'chromium-experimental-subgroup-matrix', 'timestamp-query'];

function adapterLines(a: AdapterSurvey): string[] {
  const features = USED_FEATURES.map((name) => `${name} ${a.features.includes(name) ? 'yes' : 'no'}`);
  const matrices = a.subgroupMatrixConfigs.map(
    (c) => `${c.M}×${c.N}×${c.K} ${c.componentType}→${c.resultComponentType}`,
  );
  const limits = Object.entries(a.limits).map(
    ([name, value]) => `${name} ${/Size$/.test(name) && value >= 65536 ? formatBytes(value) : value}`,
  );
  return [
    `adapter   ${a.name}${a.software ? ' (software)' : ''}`,
    `          ${features.join(', ')}`,
    `          subgroup size ${a.subgroupMinSize ?? '?'} to ${a.subgroupMaxSize ?? '?'}`,
    ...(matrices.length === 0 ? [] : [`          subgroup matrices ${matrices.join(', ')}`]),
    `          ${limits.join(', ')}`,
  ];
}

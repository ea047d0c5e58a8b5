import { compileGraph } from '../graph/compile.js';
import { align } from '../graph/plan.js';
import { type WeightFormat, withWeights } from '../graph/quantize.js';
import { type ActivationDType, type Graph, type Tensor, tensorBytes } from '../graph/types.js';
import type { UnclipModel } from '../models/model-index.js';
import { unclipNetworks } from '../models/networks.js';
import { distinctWeights, weightSize } from '../models/parameters.js';
import { pixelsGraph, superResPrepareGraph } from '../models/super-res-graphs.js';
import type { DeviceCaps } from '../ops/types.js';

export interface ReportOptions {
  /** Pictures drawn at once. */
  readonly batch: number;
  readonly dtype: ActivationDType;
  /** Storage of matrix weights. Default `full`. */
  readonly weights?: WeightFormat;
  /** Whether guidance doubles the rows of prior and decoder. */
  readonly guided: boolean;
}

/** One graph as it would be recorded: what a replay of it costs. */
export interface GraphReport {
  readonly name: string;
  readonly dispatches: number;
  /** A multiply-add counts 2. */
  readonly flops: number;
  readonly arenaBytes: number;
  /** Most bytes that are alive at once: no plan needs less. */
  readonly lowerBoundBytes: number;
}

export interface NetworkReport {
  /** Folder of the network in the checkpoint; `pixels` for the graphs that have no weights. */
  readonly component: string;
  /** Numbers in the checkpoint. */
  readonly parameters: number;
  /** On the device: packed and padded. */
  readonly weightBytes: number;
  /** Arena of its largest graph. */
  readonly arenaBytes: number;
  /** Lower bound of that graph. */
  readonly lowerBoundBytes: number;
  /** Inputs and results that live from step to step. */
  readonly stateBytes: number;
  readonly graphs: readonly GraphReport[];
  /** False for what drawing from text does not run, such as the image encoder and the other prior: it counts in no sum but that of parameters. */
  readonly counted: boolean;
}

/** What a model needs to run, known before anything is allocated. */
export interface MemoryReport {
  readonly options: ReportOptions;
  readonly networks: readonly NetworkReport[];
  readonly parameters: number;
  /** Of all counted networks. */
  readonly weightBytes: number;
  /** Of the largest network: the least weight budget that it can run with. */
  readonly largestWeightBytes: number;
  /** The networks take turns in one arena, which is as large as the largest of them asks for. */
  readonly arenaBytes: number;
  /** A tensor that one network writes and another reads counts once. */
  readonly stateBytes: number;
  /** Everything resident. */
  readonly totalBytes: number;
  /** With a weight budget that holds one network at a time. */
  readonly leastBytes: number;
}

/** Plans every network of a model for an adapter. Pure: runs without a GPU. */
export function memoryReport(model: UnclipModel, options: ReportOptions, caps: DeviceCaps): MemoryReport {
  const { batch } = options;
  const { decoderSize, superResSize } = model;
  const withoutWeights: Graph[] = [
    superResPrepareGraph({ batch, from: decoderSize, size: superResSize }),
    pixelsGraph({ batch, height: superResSize, width: superResSize }),
  ];
  const counts = (component: string): boolean =>
    component !== 'prior_ar' && (component !== 'image_encoder' || model.prior === null);
  const networks = [...unclipNetworks(model, options), { component: 'pixels', graphs: withoutWeights }].map(
    ({ component, graphs }) => {
      const stored = graphs.map((graph) => withWeights(graph, options.weights));
      return networkReport(component, stored, caps, counts(component));
    },
  );
  const counted = networks.filter((n) => n.counted);
  const weightBytes = counted.reduce((sum, n) => sum + n.weightBytes, 0);
  const shared = new Map(counted.flatMap((n) => [...n.states]));
  const largestWeightBytes = Math.max(...counted.map((n) => n.weightBytes));
  const arenaBytes = Math.max(...counted.map((n) => n.arenaBytes));
  const stateBytes = [...shared.values()].reduce((a, b) => a + b, 0);
  return {
    options,
    networks: networks.map(({ states: _, ...network }) => network),
    parameters: networks.reduce((sum, n) => sum + n.parameters, 0),
    weightBytes,
    largestWeightBytes,
    arenaBytes,
    stateBytes,
    totalBytes: weightBytes + arenaBytes + stateBytes,
    leastBytes: largestWeightBytes + arenaBytes + stateBytes,
  };
}

function networkReport(
  component: string,
  graphs: readonly Graph[],
  caps: DeviceCaps,
  counted: boolean,
): NetworkReport & { readonly states: ReadonlyMap<string, number> } {
  const states = new Map(graphs.flatMap(stateTensors));
  let largest = { arenaBytes: 0, lowerBoundBytes: 0 };
  const reports = graphs.map((graph): GraphReport => {
    const { plan, nodes, dispatches } = compileGraph(graph, caps);
    if (plan.arenaBytes > largest.arenaBytes) largest = plan;
    const flops = nodes.reduce((sum, { record, call }) => sum + record.flops(call), 0);
    const { arenaBytes, lowerBoundBytes } = plan;
    return { name: graph.name, dispatches, flops, arenaBytes, lowerBoundBytes };
  });
  return {
    component,
    parameters: weightSize(graphs).parameters,
    weightBytes: distinctWeights(graphs).reduce((sum, t) => sum + align(tensorBytes(t)), 0),
    arenaBytes: largest.arenaBytes,
    lowerBoundBytes: largest.lowerBoundBytes,
    stateBytes: [...states.values()].reduce((a, b) => a + b, 0),
    graphs: reports,
    counted,
    states,
  };
}

/** Inputs and outputs of a graph with their bytes. Those of two graphs that bear one name in one shape are one tensor. */
function stateTensors({ inputs, outputs, tensors }: Graph): [string, number][] {
  return Object.entries({ ...inputs, ...outputs }).map(([name, id]) => {
    const tensor: Tensor = tensors[id]!;
    return [`${name}|${tensor.shape}|${tensor.dtype}`, tensorBytes(tensor)];
  });
}

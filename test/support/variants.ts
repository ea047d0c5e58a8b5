import { GraphBuilder, type T } from '../../src/ts/graph/builder.js';
import { compileGraph } from '../../src/ts/graph/compile.js';
import { quantizeWeights } from '../../src/ts/graph/quantize.js';
import type { ActivationDType } from '../../src/ts/graph/types.js';
import type { DeviceCaps, Kernel, OpCall, OpRecord, Tuning } from '../../src/ts/ops/types.js';

/** A call of one op, as {@link runOp} gets it. */
export interface TestCall {
  readonly build: (g: GraphBuilder) => T;
  readonly dtype: ActivationDType;
}

/** The call that a small graph makes of an op after fusion, its weights as the named variant reads them. */
function callOf(record: OpRecord, variant: string, { build, dtype }: TestCall, caps: DeviceCaps): OpCall {
  const g = new GraphBuilder('call', { dtype });
  g.output('output', build(g));
  const quantized = record.variants.find((v) => v.name === variant)?.weights === 'q8';
  const graph = quantized ? quantizeWeights(g.build(), { channels: 1, weights: 1 }) : g.build();
  const node = compileGraph(graph, caps).nodes.find((n) => n.node.op === record.name);
  if (node === undefined) throw new Error(`the graph has no ${record.name}`);
  return node.call;
}

/** What a tuner may choose from for a variant; undefined where it does not run the call on this adapter. */
export function tuningsOf(
  record: OpRecord,
  variant: string,
  test: TestCall,
  caps: DeviceCaps,
): readonly Tuning[] | undefined {
  if (test.dtype === 'f16' && !caps.f16) return undefined;
  const call = callOf(record, variant, test, caps);
  const found = record.variants.find((v) => v.name === variant);
  if (found === undefined || !found.supports(call, caps)) return undefined;
  return found.tunings?.(call, caps) ?? [{}];
}

/** The kernels of every tuning of a variant; none where it does not run the call. */
export function kernelsOf(record: OpRecord, variant: string, test: TestCall, caps: DeviceCaps): readonly Kernel[] {
  const tunings = tuningsOf(record, variant, test, caps) ?? [];
  if (tunings.length === 0) return [];
  const call = callOf(record, variant, test, caps);
  const found = record.variants.find((v) => v.name === variant)!;
  return tunings.flatMap((tuning) => {
    const scratch = (found.scratch?.(call, caps, tuning) ?? []).map((shape, i) => ({
      id: 1000 + i,
      name: `scratch${i}`,
      shape,
      dtype: 'f32' as const,
      kind: 'temporary' as const,
    }));
    return found.lower({ ...call, scratch }, caps, tuning);
  });
}

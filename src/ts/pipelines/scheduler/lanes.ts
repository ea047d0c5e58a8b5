import { decoderStepGraph } from '../../models/decoder-graphs.js';
import { contextTokens } from '../../models/networks.js';
import { priorStepGraph } from '../../models/prior-graphs.js';
import { superResStepGraph } from '../../models/super-res-graphs.js';
import type { Program } from '../../runtime/program.js';
import type { Engine } from '../engine.js';
import { Desk, PRIOR_SHARED } from './desk.js';
import { Lane } from './lane.js';
import type { LaneStage } from './policy.js';

/** Batch sizes of a stage that are kept; others are made anew when they are needed again. */
const KEPT_LANES = 3;

/** The desks and lanes of an engine, made when they are first needed. */
export class Lanes {
  readonly #engine: Engine;
  readonly #desks = new Map<boolean, Desk>();
  /** By stage and guidance, the one used last at the end. */
  readonly #lanes = new Map<string, Lane[]>();

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  desk(guided: boolean): Desk {
    let desk = this.#desks.get(guided);
    if (desk === undefined) {
      desk = new Desk(this.#engine, guided);
      this.#desks.set(guided, desk);
    }
    return desk;
  }

  lane(stage: LaneStage, guided: boolean, batch: number): Lane {
    const key = `${stage}/${guided}`;
    const kept = this.#lanes.get(key) ?? [];
    const known = kept.find((lane) => lane.batch === batch);
    const lane = known ?? this.#make(stage, guided, batch);
    const others = kept.filter((other) => other !== lane);
    const surplus = others.length >= KEPT_LANES ? others.shift() : undefined;
    surplus?.destroy();
    this.#lanes.set(key, [...others, lane]);
    return lane;
  }

  destroy(): void {
    for (const lane of [...this.#lanes.values()].flat()) lane.destroy();
    for (const desk of this.#desks.values()) desk.destroy();
    this.#lanes.clear();
    this.#desks.clear();
  }

  #make(stage: LaneStage, guided: boolean, batch: number): Lane {
    const { runtime, model, dtype } = this.#engine;
    const options = { batch, guided, dtype };
    const { configs } = model;
    const make = (program: Program, shared: readonly string[] = []): Lane => new Lane(runtime, program, batch, shared);
    if (stage === 'prior') {
      const { prelude } = this.desk(guided).programs.prior;
      const shared = Object.fromEntries(PRIOR_SHARED.map((name) => [name, prelude.state(name)]));
      const graph = priorStepGraph(model.requirePrior().config, options);
      return make(runtime.program('prior', graph, model.weights('prior'), shared), PRIOR_SHARED);
    }
    if (stage === 'decoder') {
      const graph = decoderStepGraph(configs.decoder, { ...options, tokens: contextTokens(configs) });
      return make(runtime.program('decoder', graph, model.weights('decoder')));
    }
    const size = configs.superResSize;
    const [component, config] =
      stage === 'superRes'
        ? (['super_res_first', configs.superResFirst] as const)
        : (['super_res_last', configs.superResLast] as const);
    const graph = superResStepGraph(config, { batch, dtype, size });
    return make(runtime.program(component, graph, model.weights(component)));
  }
}

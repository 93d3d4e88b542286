import type { NamedTensors } from "../backend/contract.js";
import { UnderpaintError } from "../errors.js";
import type { Branch, StepPosition } from "../guidance/contract.js";
import { batchEntry, type FloatTensor, floatTensor } from "../tensor/tensor.js";
import type { Control, ControlContribution, ControlRun, ControlStep } from "./contract.js";
import { type Part, partsOf, portSize } from "./contribution.js";
import { type ControlMask, controlMask } from "./mask.js";
import type { Mix, Mixer, MixTerm } from "./mixer.js";
import { type CheckedStrength, isActive } from "./strength.js";

/** A control of a request, its strength checked. */
export interface PlannedControl {
  readonly control: Control;
  readonly strength: CheckedStrength;
}

/** One question to the network, about one picture. */
export interface SteeringCall {
  /** One entry for each branch, as the network gets them. */
  readonly latents: FloatTensor;
  readonly states: FloatTensor;
  readonly branches: readonly Branch[];
  readonly timestep: number;
  readonly at: StepPosition;
  readonly picture: number;
}

/** What the network is fed besides, by the names of its inputs. */
export interface Steered {
  readonly inputs: NamedTensors;
  /** To be called when the network has run. */
  release(): void;
}

/** The controls of one request at work. */
export interface Steering {
  /** Undefined where no control acts. */
  steer(call: SteeringCall): Promise<Steered | undefined>;
  /** Gives back what was kept over the steps. */
  end(): void;
}

interface Running extends PlannedControl {
  readonly step: ControlStep;
  readonly mask: ControlMask | undefined;
  /** What it gave for the whole request. */
  kept?: ControlContribution;
}

/**
 * Starts the controls of a request, one after the other. In each call those whose range it is are
 * asked, for the branches that they act on, and what they give is weighted, masked and added up by
 * the mixer.
 */
export async function startControls(
  controls: readonly PlannedControl[],
  run: ControlRun,
  mixer: Mixer,
): Promise<Steering> {
  const running: Running[] = [];
  for (const { control, strength } of controls) {
    run.signal?.throwIfAborted();
    const mask = strength.mask && controlMask(strength.mask);
    running.push({ control, strength, mask, step: await control.start(run) });
  }
  const weights = new Map<string, FloatTensor>();
  const kept = new Map<string, Mix>();

  /** What a control says of the call: of all its entries, or of the one that it acts on. */
  async function ask(
    one: Running,
    { latents, states, branches, ...rest }: SteeringCall,
    acting: readonly number[],
  ): Promise<ControlContribution | undefined> {
    if (one.kept) return one.kept;
    const only = acting.length === 1 && branches.length > 1 ? acting[0] : undefined;
    const given = await one.step({
      ...rest,
      latents: only === undefined ? latents : batchEntry(latents, only),
      states: only === undefined ? states : batchEntry(states, only),
      branches: only === undefined ? branches : [branches[only]!],
    });
    if (given?.scope === "run") one.kept = given;
    return given;
  }

  /** [1 or n, 1, 1 or height, 1 or width]: how much of a part counts in each entry, and where. */
  function weightOf(
    index: number,
    { strength, mask }: Running,
    { port, value, block, soft }: Part,
    entries: number,
    acting: readonly number[],
  ): FloatTensor {
    const [height, width] = mask ? portSize(port, run.latentDims) : [1, 1];
    const key = [index, block, entries, acting.join("+"), soft, height, width].join();
    let weight = weights.get(key);
    if (weight) return weight;
    const own = typeof strength.weight === "number" ? strength.weight : strength.weight[block]!;
    const factor = strength.mode === "balanced" ? own : own * soft;
    const place = mask?.at(height, width);
    const n = acting.length === entries && value.dims[0] === entries ? 1 : entries;
    const data = new Float32Array(n * height * width);
    for (let entry = 0; entry < n; entry++) {
      if (n > 1 && !acting.includes(entry)) continue;
      for (let i = 0, at = entry * height * width; i < height * width; i++, at++) {
        data[at] = place ? factor * place[i]! : factor;
      }
    }
    weight = floatTensor([n, 1, height, width], data);
    weights.set(key, weight);
    return weight;
  }

  return {
    async steer(call) {
      const { branches, at } = call;
      const entries = branches.length;
      const terms = new Map<Part["port"], MixTerm[]>();
      const given: ControlContribution[] = [];
      const active: string[] = [];
      for (const [index, one] of running.entries()) {
        const { control, strength } = one;
        if (!isActive(strength, at.index - run.begin, run.steps - run.begin)) continue;
        const acting = branches.flatMap((branch, entry) =>
          strength.mode === "controlFirst" && branch !== "positive" ? [] : entry,
        );
        if (acting.length === 0) continue;
        const contribution = await ask(one, call, acting);
        if (!contribution) continue;
        given.push(contribution);
        active.push(`${index}:${acting.join("+")}`);
        const found = partsOf(control.name, contribution, run.ports, run.latentDims, entries);
        checkBlocks(one, found.blocks);
        for (const part of found.parts) {
          const list = terms.get(part.port) ?? [];
          terms.set(part.port, list);
          list.push({ value: part.value, weight: weightOf(index, one, part, entries, acting) });
        }
      }
      if (terms.size === 0) {
        dispose(given);
        return undefined;
      }
      const key = `${entries};${active.join(";")}`;
      const isKept = given.every(({ scope }) => scope === "run");
      let mix = isKept ? kept.get(key) : undefined;
      mix ??= await mixer.mix([...terms].map(([port, list]) => ({ port, terms: list })));
      if (isKept) kept.set(key, mix);
      const { values, release } = mix;
      return {
        inputs: values,
        release() {
          if (!isKept) release();
          dispose(given);
        },
      };
    },
    end() {
      for (const { release } of kept.values()) release();
      kept.clear();
      for (const one of running) {
        if (one.kept) dispose([{ ...one.kept, scope: "call" }]);
        delete one.kept;
      }
    },
  };
}

/** Throws where a list of weights has another length than what the control gives. */
function checkBlocks({ control, strength: { weight } }: Running, blocks: number): void {
  if (typeof weight === "number" || weight.length === blocks) return;
  throw new UnderpaintError({
    code: "invalid-request",
    what: `${control.name} has a list of weights of another length than it has blocks`,
    value: `${weight.length} weights`,
    allowed: `${blocks}, or one number for all`,
  });
}

/** Gives back the device tensors of contributions that are for one call. */
function dispose(contributions: readonly ControlContribution[]): void {
  for (const { down = [], mid, encoder = [], scope } of contributions) {
    if (scope === "run") continue;
    for (const value of [...down, mid, ...encoder]) {
      if (value && "location" in value) value.dispose();
    }
  }
}

import type { CapabilityId, CapabilityName, Milliseconds } from "../base/index.ts";
import { HAS_NAME } from "./set-facts.ts";
import type { AttributeId, NetId, PeerIndex } from "./types.ts";
import type { CapabilityCandidate, CapabilitySelection, JudgedCandidate, Judgement } from "./views.ts";

/** What is made of a decision when somebody wants to read it. */
export interface DecisionReader {
  /** The same decision with everything that there is to say, its candidates. */
  explain(decision: Pick<CapabilitySelection, "tenantIndex" | "capabilityId">): CapabilitySelection;
  /** As the set of a candidate says it. */
  nameOf(attributes: AttributeId): CapabilityName | undefined;
  learntAt(net: NetId): Milliseconds;
}

/** A route of the destination that is being decided, and what became of it. */
export class DecidedRoute implements CapabilityCandidate {
  originId = 0;
  readonly nextHop = new Uint8Array(16);
  /** The same memory. */
  readonly nextHopWords = new Int32Array(this.nextHop.buffer);
  local = false;
  peer: PeerIndex = 0;
  attributes: AttributeId = 0;
  weight = 0;
  stale = false;
  net: NetId = 0;
  /** It carries a route target that the tenant imports. */
  imported = false;
  readonly judged: JudgedRoute;
  /** Facts of its set. */
  flags = 0;
  localPreference = 0;
  pathLength = 0;
  /** Network cost less score. */
  cost = 0;
  costClass = 0;
  score = 0;
  /** As a weight; 0: it says none. */
  bandwidth = 0;
  readonly #reader: DecisionReader;

  constructor(reader: DecisionReader, decision: SiteDecision) {
    this.#reader = reader;
    this.judged = new JudgedRoute(this, decision);
  }

  get learntAt(): Milliseconds {
    return this.#reader.learntAt(this.net);
  }
}

export class JudgedRoute implements JudgedCandidate {
  readonly candidate: DecidedRoute;
  judgement: Judgement = "excluded";
  usable = false;
  /** Place of the step among those of the rules; -1: it has to be asked for. */
  stepAt = -1;
  readonly #decision: SiteDecision;

  constructor(candidate: DecidedRoute, decision: SiteDecision) {
    this.candidate = candidate;
    this.#decision = decision;
  }

  get step(): string {
    return this.#decision.stepOf(this);
  }

  get reason(): string {
    return this.#decision.explained(this).reason;
  }
}

/**
 * What was decided for one capability, in memory that the next decision is written to: nothing of it may be kept. What only people read
 * is made when it is read.
 */
export class SiteDecision implements CapabilitySelection {
  tenantIndex = 0;
  readonly capabilityId = new Uint8Array(16) as CapabilityId;
  /** The same memory. */
  readonly idWords = new Int32Array(this.capabilityId.buffer);
  readonly group: DecidedRoute[] = [];
  winner: DecidedRoute | undefined;
  readonly candidates: JudgedRoute[] = [];
  readonly #reader: DecisionReader;
  readonly #steps: readonly string[];
  readonly #routes: DecidedRoute[] = [];

  /** @param steps names of the steps by number */
  constructor(reader: DecisionReader, steps: readonly string[]) {
    this.#reader = reader;
    this.#steps = steps;
  }

  /** The `index`-th route to write to. */
  route(index: number): DecidedRoute {
    this.#routes[index] ??= new DecidedRoute(this.#reader, this);
    return this.#routes[index];
  }

  get name(): CapabilityName | undefined {
    // In the order in which they were found, whichever was chosen.
    for (let i = 0; i < this.candidates.length; i++) {
      const { imported, flags, attributes } = this.#routes[i]!;
      if (imported && (flags & HAS_NAME) !== 0) return this.#reader.nameOf(attributes);
    }
    return undefined;
  }

  stepOf(judged: JudgedRoute): string {
    return judged.stepAt < 0 ? this.explained(judged).step : this.#steps[judged.stepAt]!;
  }

  /** What the ordered tables say of it, now: who reads it late may be told of what has changed since. */
  explained({ candidate }: JudgedRoute): Pick<JudgedCandidate, "step" | "reason"> {
    const { originId, peer, attributes } = candidate;
    // Two of one router with the same set are told the same.
    const found = this.#reader
      .explain(this)
      .candidates.find(
        ({ candidate: one }) => one.originId === originId && one.peer === peer && one.attributes === attributes,
      );
    return found ?? GONE;
  }
}

const GONE: Pick<JudgedCandidate, "step" | "reason"> = { step: "gone", reason: "its route is gone since" };

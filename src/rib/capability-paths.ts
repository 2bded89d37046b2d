import { type CapabilityId, octetsEqual } from "../base/index.ts";
import type { AttributeStore } from "./attribute-store.ts";
import type { AttributeSet } from "./attributes.ts";
import { judged } from "./capability-decision.ts";
import { identifierOf, instanceIdOf, originIdAt, prefixOf, routeTypeAt } from "./capability-key.ts";
import type { Contender } from "./capability-steps.ts";
import { losingStep, type PathFacts } from "./net-decision.ts";
import type { NetStore } from "./net-store.ts";
import type { PathChooser } from "./path-chooser.ts";
import type { PathMarks } from "./path-marks.ts";
import { KEY, recordOf, SET } from "./path-record.ts";
import type { PathTags } from "./path-tags.ts";
import type { NetId } from "./types.ts";
import { LOCAL_PEER } from "./types.ts";
import type { CapabilityCandidate, JudgedCandidate, RouteFilter, RouteRow, RouteSubject } from "./views.ts";
import { siteWeight, type WeightSource } from "./weight.ts";

export interface CapabilityPathsParts {
  readonly store: NetStore;
  readonly attributes: AttributeStore;
  readonly tags: PathTags;
  readonly marks: PathMarks;
  readonly chooser: PathChooser;
  readonly weights: WeightSource;
}

/** The paths of the capability table as those who choose and those who look see them. */
export class CapabilityPaths {
  readonly #parts: CapabilityPathsParts;

  constructor(parts: CapabilityPathsParts) {
    this.#parts = parts;
  }

  /** A copy. */
  keyOf(net: NetId): Uint8Array {
    const { store } = this.#parts;
    const start = store.keyStart(net);
    return store.keyOctets.slice(start, start + store.keyLength(net));
  }

  /** The best path of a net. */
  contender(net: NetId, imported: boolean): Contender {
    const { store, attributes } = this.#parts;
    // Sets are made of octets each time: once is enough.
    const set = attributes.get(store.attributesAt(net, 0));
    const candidate = this.#candidate(net, 0, set);
    return { candidate, set, net, imported };
  }

  #candidate(net: NetId, place: number, set: AttributeSet): CapabilityCandidate {
    const { store } = this.#parts;
    const tag = store.tagAt(net, place);
    return {
      originId: originIdAt(store.keyOctets, store.keyStart(net)),
      nextHop: set.nextHop,
      local: (tag & 0xffff) === LOCAL_PEER,
      peer: tag & 0xffff,
      attributes: store.attributesAt(net, place),
      weight: siteWeight(set, this.#parts.weights),
      stale: this.#parts.tags.isStale(tag),
      learntAt: store.learntAt(net, place),
    };
  }

  /** Further paths of one net: the same site, heard about from somebody else. */
  addOutdone(net: NetId, into: JudgedCandidate[]): void {
    const { store, chooser, attributes } = this.#parts;
    if (store.further[net] === 0) return;
    const factsAt = (place: number): PathFacts =>
      chooser.facts(store.attributesAt(net, place), store.tagAt(net, place));
    const winner = factsAt(0);
    const all: PathFacts[] = [winner];
    const losers: { readonly facts: PathFacts; readonly candidate: CapabilityCandidate }[] = [];
    for (let place = store.placeAfter(net, 0); place !== 0; place = store.placeAfter(net, place)) {
      const facts = factsAt(place);
      all.push(facts);
      losers.push({ facts, candidate: this.#candidate(net, place, attributes.get(store.attributesAt(net, place))) });
    }
    for (const { facts, candidate } of losers) {
      const lost = losingStep(winner, facts, all);
      const say = () =>
        lost === undefined
          ? "the same route from the same neighbour, over another session or with another path identifier"
          : `another path to the same site is better: ${lost.step.describe(lost.against)} against ${lost.step.describe(facts)}`;
      into.push(judged(candidate, "excluded", facts.eligible, lost?.step.name ?? "path-number", say));
    }
  }

  /** All rows of a net are made before the first is handed out: the reader may take its time. */
  rows(net: NetId, filter: RouteFilter): readonly RouteRow[] {
    const { store, attributes: sets, marks } = this.#parts;
    const { nets } = store;
    if (nets[recordOf(net) + KEY] === 0 || nets[recordOf(net) + SET] === 0) return [];
    const key = this.keyOf(net);
    const subject = subjectOf(key);
    if (subject === undefined || !isAbout(subject, filter.capabilityId)) return [];
    const rows: RouteRow[] = [];
    const add = (place: number): void => {
      const set = sets.get(store.attributesAt(net, place));
      const { originId, nextHop, attributes, peer, learntAt, stale } = this.#candidate(net, place, set);
      const tenant = sets.judged.tenant[attributes]!;
      if (filter.peer !== undefined && filter.peer !== peer) return;
      if (filter.tenantIndex !== undefined && filter.tenantIndex !== tenant) return;
      const tenantIndex = tenant === 0 ? undefined : tenant;
      const best = place === 0;
      const pathId = marks.receivedId(net, place, peer);
      const since = store.sinceAt(net, place);
      const times = { since, learntAt };
      rows.push({ key, subject, tenantIndex, originId, nextHop, attributes: set, peer, pathId, ...times, stale, best });
    };
    let place = 0;
    do {
      add(place);
      place = store.placeAfter(net, place);
    } while (place !== 0);
    return rows;
  }
}

function subjectOf(key: Uint8Array): RouteSubject | undefined {
  const type = routeTypeAt(key, 0);
  switch (type) {
    case "site":
      return { type, capabilityId: identifierOf(key) };
    case "instance":
      return { type, capabilityId: identifierOf(key), instanceId: instanceIdOf(key) };
    case "agent":
      return { type, agentId: identifierOf(key) };
    case "prefix":
      return { type, prefix: prefixOf(key) };
    default:
      return undefined;
  }
}

function isAbout(subject: RouteSubject, capabilityId: CapabilityId | undefined): boolean {
  if (capabilityId === undefined) return true;
  return "capabilityId" in subject && octetsEqual(subject.capabilityId, capabilityId);
}

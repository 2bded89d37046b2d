import { sameValue } from "../../base/index.ts";
import type { BfdMonitor } from "../../bfd/index.ts";
import type { PeerStatus, Speaker } from "../../bgp/speaker/index.ts";
import type { Compiler } from "../../forwarding/index.ts";
import {
  answered,
  type Consequence,
  type Prepared,
  type Provider,
  type RouterChange,
  type RouterConfiguration,
} from "../../management/index.ts";
import type { Rib } from "../../rib/index.ts";
import { domainNodes, localPeer, toldSite } from "../bgp.ts";
import type { BmpStations } from "../bmp.ts";
import type { Brownfield } from "../brownfield.ts";
import {
  applyNeighbors,
  laterOf,
  type NeighborPlan,
  overMaximum,
  planNeighbors,
  resetsOf,
  sharedOf,
} from "../neighbor-plan.ts";
import type { Origination } from "../origination.ts";
import type { RouterDrain } from "../router-drain.ts";
import { type Current, namesOf } from "./current.ts";

export interface NeighborsParts {
  readonly current: Current;
  readonly speaker: Speaker;
  readonly rib: Pick<Rib, "setLocal">;
  readonly origination: Pick<Origination, "become">;
  readonly bfd: BfdMonitor | undefined;
  readonly bmp: BmpStations | undefined;
  readonly compiler: Compiler;
  readonly drain: RouterDrain;
  readonly brownfield: Brownfield | undefined;
}

const NEIGHBOR = "/semrd-router:router/semrd-bgp:bgp/neighbors/neighbor";
const pathOf = (address: string): string => `${NEIGHBOR}[address='${address}']`;

function consequencesOf(plan: NeighborPlan, sessions: readonly PeerStatus[]): readonly Consequence[] {
  const resets = [...resetsOf(plan), ...overMaximum(plan, sessions)].map(({ address, why }): Consequence => {
    const message = `this will reset the session with ${address} (${why})`;
    return { when: "immediate", code: "bgp.session-reset", path: pathOf(address), message };
  });
  const later = laterOf(plan).map(({ address, why }): Consequence => {
    const message = `${why}: from the next session with ${address} on; 'semrctl clear peer ${address}' begins one now`;
    return { when: "immediate", code: "bgp.next-session", path: pathOf(address), message };
  });
  const shared = sharedOf(plan).map(({ address, why }): Consequence => {
    const message = `${why}: the session with ${address} goes on, and ends with its hold time unless the neighbour is changed as well`;
    return { when: "immediate", code: "bgp.both-ends", path: pathOf(address), message };
  });
  return [...resets, ...shared, ...later];
}

/** BGP: this router's own numbers, neighbours, their policies and BFD, and the nodes whose packets are taken. */
export function neighborsProvider(parts: NeighborsParts): Provider<RouterChange> {
  return {
    name: "BGP neighbours",
    plan({ before, after }) {
      if (!differs(before, after)) return answered([]);
      const sessions = parts.speaker.peers();
      const guests = sessions.filter(({ range }) => range !== undefined);
      return answered(consequencesOf(planNeighbors(before, after, parts.current.policies, guests), sessions));
    },
    prepare({ before, after }) {
      if (!differs(before, after) && before.nodes === after.nodes) return answered(undefined);
      return answered(new NeighborsChange(before, after, parts));
    },
  };
}

const differs = (before: RouterConfiguration, after: RouterConfiguration): boolean =>
  before.bgp !== after.bgp || before.routingPolicy !== after.routingPolicy || before.routerId !== after.routerId;

class NeighborsChange implements Prepared {
  readonly #before: RouterConfiguration;
  readonly #after: RouterConfiguration;
  readonly #parts: NeighborsParts;

  constructor(before: RouterConfiguration, after: RouterConfiguration, parts: NeighborsParts) {
    this.#before = before;
    this.#after = after;
    this.#parts = parts;
  }

  apply(): Promise<void> {
    return this.#lead(this.#before, this.#after);
  }

  revert(): Promise<void> {
    return this.#lead(this.#after, this.#before);
  }

  async #lead(from: RouterConfiguration, to: RouterConfiguration): Promise<void> {
    const { current, speaker, rib, origination, bfd, bmp, compiler, drain } = this.#parts;
    const shutdown = to.bgp?.gracefulShutdown ?? false;
    if ((from.bgp?.gracefulShutdown ?? false) !== shutdown) drain.on = shutdown;
    // The router is known before its session comes, and until its session has gone.
    compiler.nodes([...domainNodes(from), ...domainNodes(to)].map(({ locator }) => locator));
    this.#parts.brownfield?.know(to);
    if (!sameValue(localPeer(from), localPeer(to))) rib.setLocal(localPeer(to), toldSite(to));
    const plan = planNeighbors(from, to, current.policies);
    await applyNeighbors(plan, speaker, bfd);
    origination.become({ routerId: to.routerId, localAs: to.bgp?.localAs ?? 0 });
    bmp?.know(to);
    current.policies = plan.policies;
    compiler.nodes(domainNodes(to).map(({ locator }) => locator));
    current.names = namesOf(to, current.taxonomy);
  }
}

import { sameValue } from "../base/index.ts";
import type { BfdMonitor, BfdPath } from "../bfd/index.ts";
import type { PolicyBook } from "../bgp/policy/index.ts";
import { type ListenRange, type PeerListChange, planPeers, type Speaker } from "../bgp/speaker/index.ts";
import type { RouterConfiguration } from "../management/index.ts";
import { bfdPath } from "./bfd.ts";
import { allListenRanges, allPeerOptions } from "./bgp.ts";
import { policyBook } from "./policy.ts";

/** What leads the neighbours of one configuration to those of another. Nothing of it has happened yet. */
export interface NeighborPlan {
  /** Of the new configuration; what says the same as before is the same object. */
  readonly policies: PolicyBook;
  readonly peers: readonly PeerListChange[];
  /** All of them, where one has changed. */
  readonly ranges?: readonly ListenRange[];
  readonly watch: readonly BfdPath[];
  /** Addresses. */
  readonly unwatch: readonly string[];
  /** What of the BGP settings holds from the next start only, in the words of YANG. */
  readonly atNextStart: readonly string[];
}

/** Settings that the speaker has from its start to its end. */
const LIFELONG = [
  ["localAs", "local-as"],
  ["address", "address"],
  ["port", "port"],
  ["clusterId", "cluster-id"],
  ["confederation", "confederation"],
  ["gracefulRestart", "graceful-restart"],
] as const;

/**
 * Compares two configurations. Pure; a commit can say from it what it would reset.
 * @param policies of `before`, as the speaker has them
 */
export function planNeighbors(
  before: RouterConfiguration,
  after: RouterConfiguration,
  policies: PolicyBook,
): NeighborPlan {
  const next = policyBook(after, policies);
  const ranges = allListenRanges(after, next);
  const paths = ({ bgp }: RouterConfiguration): Map<string, BfdPath> =>
    new Map(bgp?.neighbors.flatMap((neighbor) => bfdPath(neighbor, bgp) ?? []).map((path) => [path.peer, path]));
  const [watched, wanted] = [paths(before), paths(after)];
  const isOtherwise = before.bgp === undefined || after.bgp === undefined;
  return {
    policies: next,
    peers: planPeers(allPeerOptions(before, policies), allPeerOptions(after, next)),
    ...(sameValue(allListenRanges(before, policies), ranges) ? {} : { ranges }),
    watch: [...wanted.values()].filter((path) => !sameValue(watched.get(path.peer), path)),
    unwatch: [...watched.keys()].filter((peer) => !wanted.has(peer)),
    atNextStart: isOtherwise
      ? before.bgp === after.bgp
        ? []
        : ["bgp"]
      : LIFELONG.filter(([member]) => !sameValue(before.bgp![member], after.bgp![member])).map(([, name]) => name),
  };
}

/** For people: which sessions the plan ends, and why. */
export function resetsOf({ peers }: NeighborPlan): readonly { readonly address: string; readonly why: string }[] {
  return peers.flatMap((step) => {
    if (step.type === "remove") return [{ address: step.address, why: "it is no neighbour any more" }];
    if (step.type === "add" || step.change.effect !== "reset") return [];
    const reasons = step.change.reasons.filter(({ effect }) => effect === "reset");
    return [{ address: step.peer.address, why: reasons.map(({ option, text }) => `${option}: ${text}`).join("; ") }];
  });
}

/**
 * Carries a plan out: first what ends, then what changes, then what begins. Those that go have gone when it resolves.
 * @throws the speaker's and the addon's errors; the caller then goes back with the plan of the other direction
 */
export async function applyNeighbors(plan: NeighborPlan, speaker: Speaker, bfd: BfdMonitor | undefined): Promise<void> {
  for (const peer of plan.unwatch) bfd?.unwatch(peer);
  // Neighbours that are configured one by one now make no new guests.
  if (plan.ranges !== undefined) speaker.setRanges(plan.ranges);
  const leaving: Promise<boolean>[] = [];
  for (const step of plan.peers) {
    if (step.type === "remove") leaving.push(speaker.removePeer(step.address));
    else if (step.type === "change") speaker.changePeer(step.peer);
    else speaker.addPeer(step.peer);
  }
  for (const path of plan.watch) bfd?.watch(path);
  await Promise.all(leaving);
}

import { sameValue } from "../base/index.ts";
import type { BfdMonitor, BfdPath } from "../bfd/index.ts";
import type { PolicyBook } from "../bgp/policy/index.ts";
import {
  type CommonChangeReason,
  type CommonOptions,
  FOLLOW,
  type GuestChange,
  type ListenRange,
  NEXT_SESSION,
  type PeerListChange,
  type PeerStatus,
  planCommonChange,
  planGuestOf,
  planPeers,
  type Speaker,
} from "../bgp/speaker/index.ts";
import type { RouterConfiguration } from "../management/index.ts";
import { bfdPath } from "./bfd.ts";
import { allListenRanges, allPeerOptions, commonOptions } from "./bgp.ts";
import { policyBook } from "./policy.ts";

/** What leads the neighbours of one configuration to those of another. Nothing of it has happened yet. */
export interface NeighborPlan {
  /** Of the new configuration; what says the same as before is the same object. */
  readonly policies: PolicyBook;
  /** Where something differs that all sessions have in common. */
  readonly common?: CommonOptions;
  /** What that does to neighbours that were there before, by address. */
  readonly commonEffects: ReadonlyMap<string, readonly CommonChangeReason[]>;
  readonly peers: readonly PeerListChange[];
  /** What the ranges do to neighbours that came by themselves, by address, unless they are configured one by one now. */
  readonly guests: ReadonlyMap<string, GuestStep>;
  /** All of them, where one has changed. */
  readonly ranges?: readonly ListenRange[];
  readonly watch: readonly BfdPath[];
  /** Addresses. */
  readonly unwatch: readonly string[];
}

type GuestStep = GuestChange | { readonly type: "stay" };

/** Options in the words of YANG, where those are others. */
const YANG_WORDS: Readonly<Record<string, string>> = {
  bgpIdentifier: "router-id",
  updateSource: "local-address",
  reflectorClient: "route-reflector-client",
  clientToClient: "client-to-client-reflection",
  password: "md5-key",
  furtherPasswords: "md5-key",
  aoKeys: "tcp-ao-key",
};

const yangName = (option: string): string =>
  YANG_WORDS[option] ?? option.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** A neighbour that came from a range by itself. */
export interface Guest {
  readonly address: string;
  readonly remoteAs: number;
}

/**
 * Compares two configurations. Pure; a commit can say from it what it would reset.
 * @param policies of `before`, as the speaker has them
 * @param guests that are there now
 */
export function planNeighbors(
  before: RouterConfiguration,
  after: RouterConfiguration,
  policies: PolicyBook,
  guests: readonly Guest[] = [],
): NeighborPlan {
  const next = policyBook(after, policies);
  const ranges = allListenRanges(after, next);
  const paths = ({ bgp }: RouterConfiguration): Map<string, BfdPath> =>
    new Map(bgp?.neighbors.flatMap((neighbor) => bfdPath(neighbor, bgp) ?? []).map((path) => [path.peer, path]));
  const [watched, wanted] = [paths(before), paths(after)];
  const [old, common] = [commonOptions(before), commonOptions(after)];
  const peers = allPeerOptions(before, policies);
  const rangesBefore = allListenRanges(before, policies);
  const areSame = sameValue(rangesBefore, ranges);
  const guestStep = (guest: Guest): GuestStep =>
    areSame ? { type: "stay" } : planGuestOf(guest, rangesBefore, ranges, common.localAs);
  return {
    policies: next,
    ...(sameValue(old, common) ? {} : { common }),
    commonEffects: new Map([...peers, ...guests].map((peer) => [peer.address, planCommonChange(old, common, peer)])),
    peers: planPeers(peers, allPeerOptions(after, next)),
    guests: new Map(guests.map((guest) => [guest.address, guestStep(guest)])),
    ...(areSame ? {} : { ranges }),
    watch: [...wanted.values()].filter((path) => !sameValue(watched.get(path.peer), path)),
    unwatch: [...watched.keys()].filter((peer) => !wanted.has(peer)),
  };
}

/** A neighbour, and what is said about it. */
export interface Remark {
  readonly address: string;
  readonly why: string;
}

type ChangeStep = Extract<PeerListChange | GuestStep, { type: "change" }>;

/** Neighbours that stay, configured or not, and are something else in any way. */
function changesOf({ peers, guests }: NeighborPlan): readonly ChangeStep[] {
  return [...peers, ...guests.values()].filter((step) => step.type === "change");
}

/** For people: which sessions the plan ends, and why. */
export function resetsOf(plan: NeighborPlan): readonly Remark[] {
  const { peers, guests, commonEffects } = plan;
  const known = new Set(peers.flatMap((step) => (step.type === "add" ? [step.peer.address] : [])));
  const gone = new Map<string, string>();
  for (const step of peers) if (step.type === "remove") gone.set(step.address, "it is no neighbour any more");
  for (const [address, { type }] of guests) {
    if (known.has(address)) gone.set(address, "it is configured by itself now, and came from a range before");
    else if (type === "leave") gone.set(address, "it may not come from a range any more");
  }
  const changed = new Map(changesOf(plan).map(({ peer, change }) => [peer.address, change]));
  const isReset = ({ effect }: { readonly effect: string }): boolean => effect === "reset";
  const staying = [...commonEffects.keys()].filter((address) => !gone.has(address));
  return [
    ...Array.from(gone, ([address, why]) => ({ address, why })),
    ...staying.flatMap((address) => {
      const reasons = [...commonEffects.get(address)!, ...(changed.get(address)?.reasons ?? [])].filter(isReset);
      if (reasons.length === 0) return [];
      return [{ address, why: reasons.map(({ option, text }) => `${yangName(option)}: ${text}`).join("; ") }];
    }),
  ];
}

/** For people: which sessions the plan ends since the neighbour has more routes than it may have then. */
export function overMaximum(
  plan: NeighborPlan,
  sessions: readonly Pick<PeerStatus, "address" | "perFamily">[],
): readonly Remark[] {
  const reset = new Set(resetsOf(plan).map(({ address }) => address));
  return changesOf(plan).flatMap(({ peer }) => {
    const session = sessions.find(({ address }) => address === peer.address);
    if (session === undefined || reset.has(peer.address)) return [];
    const over = (peer.families ?? []).flatMap(({ family, maximumRoutes = peer.maximumRoutes }) => {
      const routes = session.perFamily.find((one) => one.family === family && one.agreed)?.routesReceived ?? 0;
      return maximumRoutes === undefined || routes <= maximumRoutes
        ? []
        : [`it has ${routes} ${family} routes, and may have ${maximumRoutes}`];
    });
    return over.length === 0 ? [] : [{ address: peer.address, why: `maximum-routes: ${over.join("; ")}` }];
  });
}

/** For people: what holds for a neighbour from its next session on only. Those that the plan resets are left out. */
export function laterOf(plan: NeighborPlan): readonly Remark[] {
  const reset = new Set(resetsOf(plan).map(({ address }) => address));
  const reasons = new Map<string, string[]>();
  const note = (address: string, option: string): void => {
    if (!reset.has(address)) reasons.set(address, [...(reasons.get(address) ?? []), yangName(option)]);
  };
  for (const [address, effects] of plan.commonEffects) {
    for (const { option, effect } of effects) if (effect === "next-session") note(address, option);
  }
  for (const { peer, change } of changesOf(plan)) {
    if (peer.enabled === false) continue;
    for (const { option, text } of change.reasons) if (text === NEXT_SESSION) note(peer.address, option);
  }
  return [...reasons].map(([address, options]) => ({ address, why: options.join(", ") }));
}

/** For people: sessions that go on only where the other end is changed as well, within the hold time. */
export function sharedOf(plan: NeighborPlan): readonly Remark[] {
  const reset = new Set(resetsOf(plan).map(({ address }) => address));
  return changesOf(plan).flatMap(({ peer, change }) => {
    if (peer.enabled === false || reset.has(peer.address)) return [];
    const reasons = change.reasons.filter(({ text }) => text.endsWith(FOLLOW));
    if (reasons.length === 0) return [];
    return [{ address: peer.address, why: reasons.map(({ option }) => yangName(option)).join(", ") }];
  });
}

/**
 * The plan's steps for the neighbours that the speaker has, as after a change that was given up half way: what it has already is
 * changed, what it has not is added. Who came by himself is not there for that: he goes with his range, and makes place.
 */
function stepsFrom(peers: readonly PeerListChange[], speaker: Speaker): readonly PeerListChange[] {
  const configured = speaker.peers().filter(({ range }) => range === undefined);
  const known = new Set(configured.map(({ address }) => address));
  return peers.map((step) => {
    if (step.type === "remove") return step;
    const { peer } = step;
    if (!known.has(peer.address)) return { type: "add", peer };
    return step.type === "change" ? step : { type: "change", peer, change: { effect: "live", reasons: [] } };
  });
}

/**
 * Carries a plan out: first what all have in common, then what ends, then what changes, then what begins. Those that go have
 * gone when it resolves.
 * @throws the speaker's and the addon's errors; the caller then goes back with the plan of the other direction
 */
export async function applyNeighbors(plan: NeighborPlan, speaker: Speaker, bfd: BfdMonitor | undefined): Promise<void> {
  const steps = stepsFrom(plan.peers, speaker);
  if (plan.common !== undefined) {
    const leaving = steps.flatMap((step) => {
      if (step.type === "remove") return [step.address];
      return step.type === "change" && step.change.effect === "reset" ? [step.peer.address] : [];
    });
    await speaker.change(plan.common, { leaving });
  }
  for (const peer of plan.unwatch) bfd?.unwatch(peer);
  // Neighbours that are configured one by one now make no new guests.
  if (plan.ranges !== undefined) speaker.setRanges(plan.ranges);
  const leaving: Promise<boolean>[] = [];
  for (const step of steps) {
    if (step.type === "remove") leaving.push(speaker.removePeer(step.address));
    else if (step.type === "change") speaker.changePeer(step.peer);
    else speaker.addPeer(step.peer);
  }
  for (const path of plan.watch) bfd?.watch(path);
  await Promise.all(leaving);
}

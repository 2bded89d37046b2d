import { type CapabilityId, type CapabilityName, type Ipv6Address, octetsEqual, toHex } from "../base/index.ts";
import type { Instance, InstanceState } from "../directory/index.ts";
import type { CapabilitySelection } from "../rib/index.ts";
import type { Group, GroupUser } from "./group-table.ts";
import { nextHopKey } from "./next-hop-table.ts";
import type { Affinity, CapabilityEntry, NextHop, NextHopIndex } from "./plan.ts";
import type { PolicyIndex } from "./policy.ts";

/** One side of a capability entry: what points at a group. */
export class Side implements GroupUser {
  readonly entry: EntryPlan;
  group: Group | undefined;

  constructor(entry: EntryPlan) {
    this.entry = entry;
  }
}

/** One address of the capability table. */
export class EntryPlan {
  readonly address: Ipv6Address;
  readonly key: string;
  readonly site = new Side(this);
  /** May be that of another entry with the same instances. */
  local = new Side(this);
  /** `undefined`: found in the data plane, and not yet asked for by anybody. */
  owner: CapabilityPlan | undefined;
  /** The policy that it should name; 0: none. */
  policy: PolicyIndex = 0;
  /** Of its datagrams; `undefined`: by flow. */
  affinity: Affinity | undefined;
  /** It should be in the data plane. */
  isWanted = false;
  /** As the data plane has it. */
  installed: CapabilityEntry | undefined;

  constructor(address: Ipv6Address, key: string) {
    this.address = address;
    this.key = key;
  }
}

/** A site of the group. */
export interface SiteMember {
  readonly originId: number;
  readonly nextHop: NextHop;
  readonly weight: number;
}

/** A site that is not in the group and yet alive. */
export interface LeavingSite {
  readonly nextHop: NextHop;
  readonly draining: boolean;
}

export interface InstanceMember {
  readonly instance: Instance;
  readonly state: InstanceState;
  readonly nextHop: NextHop;
  /** A number made of its id. */
  readonly key: number;
  /** Retained for as long as the instance is known, so that it keeps its counters; 0 when the table was full. */
  readonly index: NextHopIndex;
}

/** Shared by all plans, of which there may be a million. */
const NOTHING: ReadonlySet<string> = new Set();

/** What is known about one capability of one tenant. */
export class CapabilityPlan {
  readonly key: string;
  readonly tenantIndex: number;
  readonly capabilityId: CapabilityId;
  readonly name: CapabilityName;
  /** `C::0` and `C::selector`; `undefined` where another capability has the address. */
  readonly any: EntryPlan | undefined;
  readonly own: EntryPlan | undefined;
  /** It is in the queue of work. */
  isWaiting = false;
  /** It has just been done, and is not done again before. On the monotonic clock. */
  restsUntil = 0;
  /** Number of the taxonomy that has it last. */
  taxonomy = 0;
  /** As that says. */
  affinity: Affinity | undefined;
  sites: readonly SiteMember[] = [];
  leaving: readonly LeavingSite[] = [];
  /** Another site, of a lower preference, for when the whole group is dead. */
  reserve: NextHop | undefined;
  readonly instances = new Map<string, InstanceMember>();
  /** Sites that have a route and must not be used. */
  refused: ReadonlySet<string> = NOTHING;
  /** Next hops that were in a selection or registered since the start: when they are absent now, they are gone. */
  readonly seen = new Set<string>();

  constructor(
    key: string,
    identity: { tenantIndex: number; capabilityId: CapabilityId; name: CapabilityName },
    any: EntryPlan | undefined,
    own: EntryPlan | undefined,
  ) {
    this.key = key;
    this.tenantIndex = identity.tenantIndex;
    this.capabilityId = identity.capabilityId;
    this.name = identity.name;
    this.any = any;
    this.own = own;
  }

  get members(): number {
    return this.sites.length + this.instances.size;
  }

  get isIdle(): boolean {
    return this.sites.length === 0 && this.leaving.length === 0 && this.instances.size === 0;
  }

  /** Takes over what was decided. A site that is reached at our own locator without being ours would be a loop. */
  take(selection: CapabilitySelection, locator: Ipv6Address): void {
    const isOurs = (nextHop: Ipv6Address): boolean => octetsEqual(nextHop, locator);
    const members = new Map<string, SiteMember>();
    for (const { originId, nextHop, local, weight } of selection.group) {
      if (!local && isOurs(nextHop)) continue;
      const target = towards(nextHop, local);
      const name = memberName({ nextHop, local });
      // Two origins at one locator are one next hop, with the weight of both.
      const twin = members.get(name);
      members.set(name, {
        originId: twin?.originId ?? originId,
        nextHop: target,
        weight: weight + (twin?.weight ?? 0),
      });
    }
    this.sites = [...members.values()];
    const leaving = new Map<string, LeavingSite>();
    let reserve: NextHop | undefined;
    for (const { candidate, judgement, usable, step } of selection.candidates) {
      if (judgement !== "excluded" || !usable) continue;
      const name = memberName(candidate);
      if (members.has(name)) continue;
      if (!candidate.local && isOurs(candidate.nextHop)) continue;
      const nextHop = towards(candidate.nextHop, candidate.local);
      const draining = step === "state-draining";
      leaving.set(name, { nextHop, draining: draining || leaving.get(name)?.draining === true });
      // Candidates come in the order of the steps that excluded them: who came further is better.
      if (!draining) reserve = nextHop;
    }
    const refused = selection.candidates
      .filter(
        ({ usable, candidate }) =>
          !usable && !members.has(memberName(candidate)) && !leaving.has(memberName(candidate)),
      )
      .map(({ candidate }) => nextHopKey(towards(candidate.nextHop, candidate.local)));
    this.refused = refused.length === 0 ? NOTHING : new Set(refused);
    this.leaving = [...leaving.values()];
    this.reserve = reserve;
  }
}

function memberName({ nextHop, local }: { readonly nextHop: Ipv6Address; readonly local: boolean }): string {
  return local ? "" : toHex(nextHop);
}

function towards(nextHop: Ipv6Address, local: boolean): NextHop {
  return local ? { kind: "local" } : { kind: "tunnel", locator: nextHop };
}

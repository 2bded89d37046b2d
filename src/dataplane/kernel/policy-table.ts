import { FIRST_CAPABILITY_POLICY, type Policy, type PolicyIndex, type Rate } from "../../forwarding/index.ts";
import { METER, POLICY, POLICY_FLAG, POLICY_USE, RATE } from "../abi.ts";
import type { IndexesInUse } from "./counter-rows.ts";
import { Grace } from "./grace.ts";

/** The pairs of a policy and a tenant that it lets in. */
export interface AllowedStore {
  add(policy: PolicyIndex, tenantIndex: number): void;
  delete(policy: PolicyIndex, tenantIndex: number): void;
  all(): Iterable<readonly [PolicyIndex, number]>;
}

export interface PolicyMemory {
  readonly policies: Uint8Array;
  readonly meters: Uint8Array;
  readonly allowed: AllowedStore;
  /** Processors that lease of one rate. */
  readonly cpus: number;
}

/** All processors together hold at most this part of a burst as leases. */
const LEASED_PART = 16;

/** Of taking over: places of the table, and pairs, each of which is a system call. */
const PLACES_IN_A_STEP = 1024;
const PAIRS_IN_A_STEP = 64;

const { offsets } = POLICY;

/** The mmapped `policies` and `meters`, and `allowed` with a copy of it by policy. One writer. */
export class PolicyTable implements IndexesInUse {
  readonly #memory: PolicyMemory;
  readonly #octets: Uint8Array;
  readonly #view: DataView;
  readonly #meters: BigUint64Array;
  readonly #grace = new Grace();
  readonly #allowed = new Map<PolicyIndex, Set<number>>();
  readonly #ofTenants = new Map<number, PolicyIndex>();
  /** How many policies there are of each tenant. */
  readonly #counts = new Map<number, number>();
  #size = 0;
  #pairs = 0;

  /** Borrows the memory, in which no policy is: else {@link takeOver} is to be walked to its end first. */
  constructor(memory: PolicyMemory) {
    const { policies, meters } = memory;
    this.#memory = memory;
    this.#octets = policies;
    this.#view = new DataView(policies.buffer, policies.byteOffset, policies.length);
    this.#meters = new BigUint64Array(meters.buffer, meters.byteOffset, meters.length / 8);
  }

  /** Notes what an earlier process has left, in steps: a look at each place, a system call a pair. */
  *takeOver(): Generator<void> {
    const { allowed } = this.#memory;
    const strays: (readonly [PolicyIndex, number])[] = [];
    let pairs = 0;
    for (const pair of allowed.all()) {
      if (++pairs % PAIRS_IN_A_STEP === 0) yield;
      const [policy, tenantIndex] = pair;
      // Its policy was removed by a process that did not finish
      if (this.#use(policy) !== POLICY_USE.capabilities) strays.push(pair);
      else {
        this.#setOf(policy).add(tenantIndex);
        this.#pairs++;
      }
    }
    for (const [at, [policy, tenantIndex]] of strays.entries()) {
      if (at % PAIRS_IN_A_STEP === 0) yield;
      allowed.delete(policy, tenantIndex);
    }
    const entries = this.#octets.length / POLICY.size;
    for (let index = 1; index < entries; index++) {
      if (index % PLACES_IN_A_STEP === 0) yield;
      if (!this.has(index)) continue;
      this.#count(index, 1);
      if (this.#use(index) === POLICY_USE.tenant) this.#ofTenants.set(this.#tenant(index), index);
    }
  }

  /** Those in use. */
  get size(): number {
    return this.#size;
  }

  has(index: PolicyIndex): boolean {
    return this.#use(index) !== POLICY_USE.free;
  }

  /** Counts one that is in the table in or out. */
  #count(index: PolicyIndex, by: 1 | -1): void {
    const tenantIndex = this.#tenant(index);
    const count = (this.#counts.get(tenantIndex) ?? 0) + by;
    this.#size += by;
    if (count > 0) this.#counts.set(tenantIndex, count);
    else this.#counts.delete(tenantIndex);
  }

  /** Pairs of a policy and a tenant. */
  get pairs(): number {
    return this.#pairs;
  }

  get(index: PolicyIndex): Policy | undefined {
    const use = this.#use(index);
    if (use === POLICY_USE.free) return undefined;
    const at = index * POLICY.size;
    const [packets, bits] = [this.#rate(at + offsets.packets), this.#rate(at + offsets.octets)];
    const flags = this.#octets[at + offsets.flags]!;
    const tag = this.#octets[at + offsets.tag]!;
    return {
      use: use === POLICY_USE.tenant ? "tenant" : "capabilities",
      tenantIndex: this.#tenant(index),
      counted: (flags & POLICY_FLAG.counted) !== 0,
      allowed: [...(this.#allowed.get(index) ?? [])].sort((a, b) => a - b),
      ...(packets === undefined ? {} : { packets }),
      ...(bits === undefined ? {} : { bits }),
      ...(flags & POLICY_FLAG.dscp ? { dscp: this.#octets[at + offsets.dscp]! } : {}),
      ...(tag === 0 ? {} : { tag }),
    };
  }

  /** Of what the clients of a tenant send; 0: there is none. */
  ofTenant(tenantIndex: number): PolicyIndex {
    return this.#ofTenants.get(tenantIndex) ?? 0;
  }

  /** True for a policy of capabilities of that tenant. */
  isOf(index: PolicyIndex, tenantIndex: number): boolean {
    return this.#use(index) === POLICY_USE.capabilities && this.#tenant(index) === tenantIndex;
  }

  isAllowed(index: PolicyIndex, tenantIndex: number): boolean {
    return this.#allowed.get(index)?.has(tenantIndex) === true;
  }

  set(index: PolicyIndex, policy: Policy): void {
    const at = index * POLICY.size;
    if (this.has(index)) this.#count(index, -1);
    else {
      this.#grace.settle(index);
      this.#octets.fill(0, at, at + POLICY.size);
      this.#meters.fill(0n, (index * METER.size) / 8, (index * METER.size) / 8 + METER.size / 8);
    }
    this.#setAllowed(index, new Set(policy.allowed));
    this.#storeRate(at + offsets.packets, policy.packets);
    this.#storeRate(at + offsets.octets, policy.bits);
    this.#view.setUint16(at + offsets.tenant, policy.tenantIndex);
    this.#octets[at + offsets.dscp] = policy.dscp ?? 0;
    this.#octets[at + offsets.tag] = policy.tag ?? 0;
    this.#octets[at + offsets.flags] =
      (policy.dscp === undefined ? 0 : POLICY_FLAG.dscp) | (policy.counted ? POLICY_FLAG.counted : 0);
    this.#octets[at + offsets.use] = POLICY_USE[policy.use];
    this.#count(index, 1);
    if (policy.use === "tenant") this.#ofTenants.set(policy.tenantIndex, index);
  }

  /** Nothing names it any more. What it says stays until the index is used again: a program may still be reading it. */
  delete(index: PolicyIndex): void {
    if (this.#use(index) === POLICY_USE.tenant) this.#ofTenants.delete(this.#tenant(index));
    this.#count(index, -1);
    this.#setAllowed(index, new Set());
    this.#allowed.delete(index);
    this.#octets[index * POLICY.size + offsets.use] = POLICY_USE.free;
    this.#grace.retire(index);
  }

  *[Symbol.iterator](): Generator<PolicyIndex> {
    const entries = this.#octets.length / POLICY.size;
    for (let index = 1; index < entries; index++) if (this.has(index)) yield index;
  }

  /** Whose policies there are. */
  tenants(): Iterable<number> {
    return this.#counts.keys();
  }

  /** What of the packets and octets of a policy's rates is left at the moment `now`, besides leases. */
  left(index: PolicyIndex, now: bigint): { readonly packets: number; readonly octets: number } {
    const policy = this.get(index);
    const word = (index * METER.size) / 8;
    const rest = (rate: Rate | undefined, until: bigint, unit: number): number => {
      if (rate === undefined) return Number.POSITIVE_INFINITY;
      const ahead = until > now ? Number(until - now) : 0;
      return rate.burst - (ahead * rate.perSecond) / unit;
    };
    return {
      packets: rest(policy?.packets, this.#meters[word]!, 1e9),
      octets: rest(policy?.bits, this.#meters[word + 1]!, 8e9),
    };
  }

  #use(index: PolicyIndex): number {
    return this.#octets[index * POLICY.size + offsets.use] ?? POLICY_USE.free;
  }

  #tenant(index: PolicyIndex): number {
    return this.#view.getUint16(index * POLICY.size + offsets.tenant);
  }

  #rate(at: number): Rate | undefined {
    const perSecond = Number(this.#view.getBigUint64(at + RATE.offsets.per_second, true));
    if (perSecond === 0) return undefined;
    return { perSecond, burst: Number(this.#view.getBigUint64(at + RATE.offsets.burst, true)) };
  }

  #storeRate(at: number, rate: Rate | undefined): void {
    const lease = rate === undefined ? 0 : Math.max(1, Math.floor(rate.burst / (LEASED_PART * this.#memory.cpus)));
    this.#view.setBigUint64(at + RATE.offsets.burst, BigInt(rate?.burst ?? 0), true);
    this.#view.setUint32(at + RATE.offsets.lease, lease, true);
    this.#view.setBigUint64(at + RATE.offsets.per_second, BigInt(rate?.perSecond ?? 0), true);
  }

  #setOf(index: PolicyIndex): Set<number> {
    const known = this.#allowed.get(index);
    if (known !== undefined) return known;
    const made = new Set<number>();
    this.#allowed.set(index, made);
    return made;
  }

  /** Only pairs that differ are written. */
  #setAllowed(index: PolicyIndex, wanted: ReadonlySet<number>): void {
    if (index < FIRST_CAPABILITY_POLICY) return;
    const present = this.#setOf(index);
    for (const tenantIndex of present.difference(wanted)) {
      this.#memory.allowed.delete(index, tenantIndex);
      present.delete(tenantIndex);
      this.#pairs--;
    }
    for (const tenantIndex of wanted.difference(present)) {
      this.#memory.allowed.add(index, tenantIndex);
      present.add(tenantIndex);
      this.#pairs++;
    }
  }
}

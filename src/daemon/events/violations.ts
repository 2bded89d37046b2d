import { type Clock, formatIpv6, type Milliseconds, milliseconds, type Timer } from "../../base/index.ts";
import type { DataplaneDriver, FlowEvent, TenantCounters } from "../../dataplane/index.ts";
import type { Names } from "../names.ts";
import type { Publish } from "./publish.ts";

/** What is told of is so long at least. */
const INTERVAL = milliseconds(10_000);
/** The first one after a quiet time is told of so soon, where the data plane tells of packets. */
const SOON = milliseconds(1000);
/** Of one interval. What is left is one event more. */
const MOST_EVENTS = 64;
/** Capabilities of one tenant and reason that are told apart. */
const MOST_CAPABILITIES = 8;
/** Samples by what they are of; more are not told apart. */
const MOST_SAMPLED = 1024;

type Reason = "not-allowed" | "rate" | "source";

/** The counter of each, and the verdicts that it counts. */
const REASONS: readonly (readonly [Reason, keyof TenantCounters, readonly FlowEvent["verdict"][]])[] = [
  ["not-allowed", "denied", ["reject-tenant"]],
  ["rate", "limited", ["drop-tenant-rate", "drop-capability-rate"]],
  ["source", "spoofed", ["drop-spoofed"]],
];

interface Violation {
  readonly tenant: string;
  readonly reason: Reason;
  readonly packets: bigint;
  readonly sample?: FlowEvent;
}

/** A capability that samples were of: how many, and one of them. */
interface Sampled {
  count: bigint;
  readonly event: FlowEvent;
}

/**
 * Packets that the policy of tenants dropped: how many is what the data plane counted, so that nothing is missed; which capability
 * they were for, and who sent them, is known from samples, where there are any. A flood is one event with a number.
 */
export class PolicyViolations implements Disposable {
  readonly #driver: Pick<DataplaneDriver, "counters">;
  readonly #names: () => Names;
  readonly #clock: Clock;
  readonly #told: () => void;
  readonly #publish: Publish;
  readonly #samples = new Map<string, Sampled>();
  #before: ReadonlyMap<number, TenantCounters>;
  #since: Milliseconds;
  #timer: Timer;
  /** Nothing was told of the last time, nor is about to be. */
  #isQuiet = true;

  /** `told`: an interval has ended. */
  constructor(
    driver: Pick<DataplaneDriver, "counters">,
    parts: { readonly names: () => Names; readonly clock: Clock; readonly told: () => void },
    publish: Publish,
  ) {
    this.#driver = driver;
    this.#names = parts.names;
    this.#clock = parts.clock;
    this.#told = parts.told;
    this.#publish = publish;
    this.#before = this.#counted();
    this.#since = this.#clock.monotonic();
    this.#timer = this.#clock.after(INTERVAL, () => this.#tell());
  }

  /** A packet that the data plane refused, for any reason; `packets`: for how many it stands. */
  sampled(event: FlowEvent, packets: number): void {
    const reason = REASONS.find(([, , verdicts]) => verdicts.includes(event.verdict))?.[0];
    if (reason === undefined) return;
    const key = keyOf(event.tenantIndex, reason, event);
    const known = this.#samples.get(key);
    if (known !== undefined) known.count += BigInt(packets);
    else if (this.#samples.size < MOST_SAMPLED) this.#samples.set(key, { count: BigInt(packets), event });
    if (!this.#isQuiet) return;
    this.#isQuiet = false;
    this.#timer.cancel();
    this.#timer = this.#clock.after(SOON, () => this.#tell());
  }

  [Symbol.dispose](): void {
    this.#timer.cancel();
  }

  #tell(): void {
    const counted = this.#counted();
    const found: Violation[] = [];
    for (const [index, now] of counted) {
      const tenant = this.#names().tenant(index);
      if (tenant === undefined) continue;
      for (const [reason, counter] of REASONS) {
        const before = this.#before.get(index)?.[counter] ?? 0n;
        const packets = now[counter] >= before ? now[counter] - before : now[counter];
        if (packets > 0n) found.push(...this.#apart({ tenant, reason, packets }, index));
      }
    }
    this.#before = counted;
    const seconds = Math.max(1, Math.round((this.#clock.monotonic() - this.#since) / 1000));
    this.#since = this.#clock.monotonic();
    this.#isQuiet = found.length === 0;
    this.#samples.clear();
    this.#told();
    this.#timer = this.#clock.after(INTERVAL, () => this.#tell());
    const most = found.toSorted((a, b) => (a.packets < b.packets ? 1 : -1));
    for (const violation of most.slice(0, MOST_EVENTS)) this.#say(violation, seconds);
    const rest = most.slice(MOST_EVENTS).reduce((sum, { packets }) => sum + packets, 0n);
    if (rest > 0n) this.#publish("policy-violation", { packets: String(rest), seconds });
  }

  /** As they are now: rows of a data plane are read when they are looked at. */
  #counted(): ReadonlyMap<number, TenantCounters> {
    return new Map(this.#driver.counters().tenants);
  }

  /** By capability, as the samples are divided among them; what is left over by rounding goes to the first. */
  #apart(all: Violation, tenantIndex: number): readonly Violation[] {
    const own = [...this.#samples]
      .filter(([key]) => key.startsWith(`${tenantIndex} ${all.reason} `))
      .map(([, sampled]) => sampled)
      .toSorted((a, b) => (a.count < b.count ? 1 : -1))
      .slice(0, MOST_CAPABILITIES);
    const sum = own.reduce((total, { count }) => total + count, 0n);
    if (sum === 0n) return [all];
    const parts = own.map(({ count, event }) => ({ ...all, packets: (all.packets * count) / sum, sample: event }));
    const told = parts.reduce((total, { packets }) => total + packets, 0n);
    const [first, ...others] = parts;
    return [{ ...first!, packets: first!.packets + all.packets - told }, ...others].filter(
      ({ packets }) => packets > 0n,
    );
  }

  #say({ tenant, reason, packets, sample }: Violation, seconds: number): void {
    const owner = sample && this.#names().address(sample.capability);
    this.#publish("policy-violation", {
      ...{ tenant, reason, packets: String(packets), seconds },
      ...(owner === undefined ? {} : { capability: owner.capability, owner: owner.tenant }),
      ...(sample === undefined ? {} : { address: formatIpv6(sample.capability), client: formatIpv6(sample.client) }),
    });
  }
}

const keyOf = (tenantIndex: number, reason: Reason, { capability }: FlowEvent): string =>
  `${tenantIndex} ${reason} ${formatIpv6(capability)}`;

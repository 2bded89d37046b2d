import { type Clock, formatZoned, type Log, type Metrics, milliseconds, Scope } from "../base/index.ts";
import { type OriginValidation, originOf } from "../bgp/policy/index.ts";
import { RouteValidator, type ValidityChange, VrpTable } from "../bgp/rpki/index.ts";
import type { PeerObserver, SoftClear, SpeakerObserver } from "../bgp/speaker/index.ts";
import { encodeUnicast } from "../bgp/wire/index.ts";
import type { RouterConfiguration, RpkiCacheRow, VrpRow } from "../management/index.ts";
import type { KeyBatch, Rib, RouteFamily, UnicastFamily, UnicastRow } from "../rib/index.ts";
import { ageSeconds } from "./rows.ts";
import { prefixText } from "./unicast-rows.ts";

/** Origin validation of a router that has caches. */
export interface OriginWatch extends AsyncDisposable {
  /** For the policies. */
  readonly origins: OriginValidation;
  /** Remembers what import policy has refused. */
  readonly observer: SpeakerObserver;
  /** Asks neighbours again whose routes are affected by a change, from now on. */
  watch(speaker: { clearSoft(address: string, direction: "in"): SoftClear }): void;
  /** `valid`, `invalid` or `not-found`. */
  stateOf(family: UnicastFamily, row: Pick<UnicastRow, "address" | "length" | "attributes">): string;
  caches(): Iterable<RpkiCacheRow>;
  vrps(): Iterable<VrpRow>;
}

export interface OriginWatchParts {
  readonly rib: Rib;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  /** As it is now: policies change while the router runs. */
  readonly inUse: () => RouterConfiguration;
}

const FAMILIES: readonly UnicastFamily[] = ["ipv6-unicast", "ipv4-unicast"];
const SLICE = milliseconds(3);
const ROUTES_PER_LOOK = 64;

/** `undefined` without caches. */
export function startRpki(parts: OriginWatchParts): OriginWatch | undefined {
  const { rpki } = parts.inUse();
  return rpki.caches.length === 0 ? undefined : new RunningWatch(rpki, parts);
}

/** A long look in slices. */
class Pace {
  readonly #clock: Clock;
  #seen = 0;
  #started: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#started = clock.monotonic();
  }

  isDue(): boolean {
    return ++this.#seen % ROUTES_PER_LOOK === 0 && this.#clock.monotonic() - this.#started >= SLICE;
  }

  async turn(): Promise<void> {
    await new Promise<void>((resolve) => this.#clock.soon(resolve));
    this.#started = this.#clock.monotonic();
  }
}

class RunningWatch implements OriginWatch {
  readonly #parts: OriginWatchParts;
  readonly #scope = new Scope();
  readonly #validator: RouteValidator;
  readonly #asked;
  /** By neighbour: what was refused, so that it can be missed. */
  readonly #refused = new Map<string, RefusedPrefixes>();
  #change: ValidityChange | undefined;
  #looking: Promise<void> | undefined;
  #speaker: Parameters<OriginWatch["watch"]>[0] | undefined;

  constructor({ caches }: RouterConfiguration["rpki"], parts: OriginWatchParts) {
    this.#parts = parts;
    this.#validator = this.#scope.own(new RouteValidator(caches, parts));
    this.#asked = parts.metrics.counter(
      "semrd_rpki_refreshes_total",
      "Neighbours that were asked for their routes again because the state of some has changed",
    );
  }

  get origins(): OriginValidation {
    return (family, octets, start, origin) => this.#validator.state(family, octets, start, origin);
  }

  get observer(): SpeakerObserver {
    return ({ name }) => {
      const refused = new RefusedPrefixes();
      this.#refused.set(name, refused);
      return refused;
    };
  }

  watch(speaker: Parameters<OriginWatch["watch"]>[0]): void {
    this.#speaker = speaker;
    this.#validator.onChange = (change) => {
      const before = this.#change;
      const both = before && {
        covers: (...asked: Parameters<ValidityChange["covers"]>) => before.covers(...asked) || change.covers(...asked),
      };
      this.#change = both ?? change;
      this.#looking ??= this.#look().finally(() => {
        this.#looking = undefined;
      });
    };
  }

  /** Which neighbours have routes whose state may have changed: those are asked for them again. @see RFC 6811 §4; RFC 2918 */
  async #look(): Promise<void> {
    const { rib, clock, log } = this.#parts;
    const { signal } = this.#scope;
    while (this.#change !== undefined && !signal.aborted) {
      const change = this.#change;
      this.#change = undefined;
      const affected = new Set<string>();
      const pace = new Pace(clock);
      for (const [name, refused] of this.#refused) {
        if (await refused.isAffected(change, pace)) affected.add(name);
        if (signal.aborted) return;
      }
      for (const family of FAMILIES) {
        for (const { address, length, peer } of rib.unicast(family).rowsOf({})) {
          const name = peer === 0 ? undefined : rib.peer(peer)?.name;
          if (
            name !== undefined &&
            !affected.has(name) &&
            change.covers(family, encodeUnicast({ family, address, length }), 0)
          )
            affected.add(name);
          if (!pace.isDue()) continue;
          await pace.turn();
          if (signal.aborted) return;
        }
      }
      for (const name of affected) {
        if (!this.#looksAtOrigin(name)) continue;
        const answer = this.#speaker?.clearSoft(name, "in");
        if (answer === "done") {
          this.#asked.add();
          log.info("rpki.refresh", { peer: name });
        } else if (answer === "no-route-refresh") {
          log.warn("rpki.no-route-refresh", {
            peer: name,
            advice: "its routes keep the state that they came with: clear the session to judge them anew",
          });
        }
      }
    }
  }

  /** Of neighbours that are not configured one by one it is enough that somebody's policy does. */
  #looksAtOrigin(name: string): boolean {
    const { routingPolicy, bgp } = this.#parts.inUse();
    const looking = routingPolicy.policies.filter(({ statements }) =>
      statements.some(({ conditions }) => conditions.rpkiStates !== undefined),
    );
    const neighbor = bgp?.neighbors.find((neighbor) => formatZoned(neighbor) === name);
    if (neighbor === undefined) return looking.length > 0;
    return looking.some((policy) => neighbor.importPolicy.includes(policy.name));
  }

  stateOf(
    family: UnicastFamily,
    { address, length, attributes }: Pick<UnicastRow, "address" | "length" | "attributes">,
  ): string {
    const { bgp } = this.#parts.inUse();
    const origin = originOf(attributes, bgp?.confederation?.identifier ?? bgp?.localAs ?? 0);
    return this.#validator.state(family, encodeUnicast({ family, address, length }), 0, origin);
  }

  *caches(): Iterable<RpkiCacheRow> {
    const now = this.#parts.clock.monotonic();
    for (const {
      sessionId,
      serial,
      updated,
      vrps,
      connections,
      failures,
      lastError,
      ...cache
    } of this.#validator.caches()) {
      yield {
        ...cache,
        counts: this.#validator.isActive(cache.name),
        ...(sessionId === undefined ? {} : { sessionId }),
        ...(serial === undefined ? {} : { serial }),
        vrps: String(vrps),
        ...(updated === undefined ? {} : { updatedSecondsAgo: ageSeconds(updated.monotonic, now) }),
        connections: String(connections),
        failures: String(failures),
        ...(lastError === undefined ? {} : { lastError }),
      };
    }
  }

  *vrps(): Iterable<VrpRow> {
    for (const { address, length, maxLength, autonomousSystem } of this.#validator.vrps()) {
      yield { prefix: prefixText(address, length), maxLength, autonomousSystem };
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#scope[Symbol.asyncDispose]();
    await this.#looking;
  }
}

/** More refused routes of one neighbour than this are taken for affected by every change. */
const MOST_REFUSED = 1_000_000;

/** Prefixes of a neighbour that import policy has refused, and that were not withdrawn or accepted since. */
class RefusedPrefixes implements PeerObserver {
  #prefixes = new VrpTable();

  refused(family: RouteFamily, keys: KeyBatch): void {
    if (this.#prefixes.size < MOST_REFUSED) this.#each(family, keys, "add");
  }

  announced(family: RouteFamily, keys: KeyBatch): void {
    if (this.#prefixes.size > 0) this.#each(family, keys, "remove");
  }

  withdrawn(family: RouteFamily, keys: KeyBatch): void {
    if (this.#prefixes.size > 0) this.#each(family, keys, "remove");
  }

  #each(family: RouteFamily, { octets, starts, lengths, count }: KeyBatch, what: "add" | "remove"): void {
    if (family === "capability") return;
    const address = new Uint8Array(family === "ipv4-unicast" ? 4 : 16);
    for (let i = 0; i < count; i++) {
      const start = starts[i]!;
      address.fill(0);
      for (let j = 1; j < lengths[i]!; j++) address[j - 1] = octets[start + j]!;
      this.#prefixes[what]({ address, length: octets[start]!, maxLength: 8 * address.length, autonomousSystem: 1 }, 1);
    }
  }

  async isAffected(change: ValidityChange, pace: Pace): Promise<boolean> {
    if (this.#prefixes.size >= MOST_REFUSED) return true;
    for (const { address, length } of this.#prefixes.all()) {
      const family = address.length === 4 ? "ipv4-unicast" : "ipv6-unicast";
      if (change.covers(family, encodeUnicast({ family, address, length }), 0)) return true;
      if (pace.isDue()) await pace.turn();
    }
    return false;
  }

  ended(): void {
    this.#prefixes = new VrpTable();
  }

  swept(): void {}
  received(): void {}
  stateChanged(): void {}
  established(): void {}
  gone(): void {
    this.ended();
  }
}

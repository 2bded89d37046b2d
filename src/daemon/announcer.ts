import {
  type Clock,
  type Milliseconds,
  milliseconds,
  type Seconds,
  seconds,
  type Timer,
  toHex,
} from "../base/index.ts";
import { type CapabilityNlri, encodeCapability } from "../bgp/wire/index.ts";
import type { AttributeSet } from "../rib/index.ts";
import { Rounds } from "./rounds.ts";

/** How long a route is good for, and how late it may be renewed, as a share of that. @see DESIGN section 4.4 */
export const VALIDITY = seconds(3600);
export const RENEW_AT = 1 / 3;
/** Lease times are rounded to this, so that routes of one hour share their attributes. */
const ROUNDING = 60;
/** The wall clock, which leases are said in, may step, and timers do not: what is left is looked at this often. */
const LOOK = milliseconds(10_000);
/** Announcements of one turn of the event loop: some 3 ms. */
const PER_TURN = 64;

/** Where the routes of this router go: the speaker, which puts them into the RIB as the local peer's. */
export interface RouteOrigin {
  originate(nlri: CapabilityNlri, attributes: AttributeSet): void;
  withdraw(nlri: CapabilityNlri): void;
}

/** What all routes of this router have in common at the moment. */
export interface Circumstances {
  readonly validUntil: Seconds;
  /** The router takes no new flows while others can. */
  readonly draining: boolean;
}

interface Said {
  /** As it was said last. */
  nlri: CapabilityNlri;
  readonly make: (circumstances: Circumstances) => AttributeSet;
}

const nameOf = (nlri: CapabilityNlri): string => toHex(encodeCapability({ ...nlri, originId: 0 }));

/**
 * The routes of this router: says each, says all again when their leases are near the end or the router begins or ends to
 * drain. A renewed lease alone is not an announcement until a third of a route's time is left.
 */
export class Announcer implements Disposable {
  readonly #routes: RouteOrigin;
  readonly #clock: Clock;
  /** By key without the OriginID, in hexadecimal. */
  readonly #said = new Map<string, Said>();
  #draining: boolean;
  /** Absent: it has not changed. */
  #originId: number | undefined;
  #validUntil: Seconds;
  #renewal: Timer | undefined;
  readonly #rounds: Rounds;

  constructor(options: { readonly draining: boolean }, parts: { readonly routes: RouteOrigin; readonly clock: Clock }) {
    this.#routes = parts.routes;
    this.#clock = parts.clock;
    this.#rounds = new Rounds(parts.clock, PER_TURN);
    this.#draining = options.draining;
    this.#validUntil = this.#nextValidity();
    this.#armRenewal();
  }

  /** Announces a route, or replaces it. `make` is called again whenever it is said again. */
  say(nlri: CapabilityNlri, make: Said["make"]): void {
    const name = nameOf(nlri);
    const before = this.#said.get(name);
    if (before !== undefined && before.nlri.originId !== nlri.originId) this.#routes.withdraw(before.nlri);
    const said = { nlri, make };
    this.#said.set(name, said);
    this.#originate(said);
  }

  /** Nothing happens when the route was not said. */
  retract(nlri: CapabilityNlri): void {
    const said = this.#said.get(nameOf(nlri));
    if (said === undefined) return;
    this.#said.delete(nameOf(nlri));
    this.#routes.withdraw(said.nlri);
  }

  /** Says everything under another OriginID. Who calls `say` and `retract` has it already. */
  rename(originId: number): void {
    this.#originId = originId;
    this.sayAgain();
  }

  #originateAgain(said: Said): void {
    if (this.#originId !== undefined && said.nlri.originId !== this.#originId) {
      this.#routes.withdraw(said.nlri);
      said.nlri = { ...said.nlri, originId: this.#originId };
    }
    this.#originate(said);
  }

  #originate({ nlri, make }: Said): void {
    this.#routes.originate(nlri, make({ validUntil: this.#validUntil, draining: this.#draining }));
  }

  set draining(draining: boolean) {
    if (draining === this.#draining) return;
    this.#draining = draining;
    this.sayAgain();
  }

  /** Everything, as it is now. Over many turns, as a site may have many capabilities; what changes meanwhile is said at once all the same. */
  sayAgain(): void {
    this.#rounds.begin(this.#said.values(), (said) => this.#originateAgain(said));
  }

  #nextValidity(): Seconds {
    return seconds(Math.ceil((this.#clock.wall() / 1000 + VALIDITY) / ROUNDING) * ROUNDING);
  }

  /** By the wall clock of now; more than was given when that clock was set back. */
  get #left(): Milliseconds {
    return milliseconds(this.#validUntil * 1000 - this.#clock.wall());
  }

  #armRenewal(): void {
    const wait = milliseconds(Math.min(LOOK, Math.max(1000, this.#left - VALIDITY * 1000 * RENEW_AT)));
    this.#renewal = this.#clock.after(wait, () => this.#look());
  }

  #look(): void {
    const left = this.#left;
    if (left <= VALIDITY * 1000 * RENEW_AT || left > (VALIDITY + 2 * ROUNDING) * 1000) this.#renew();
    else this.#armRenewal();
  }

  #renew(): void {
    this.#validUntil = this.#nextValidity();
    this.sayAgain();
    this.#armRenewal();
  }

  /** Says nothing any more; the routes stay as they are. */
  [Symbol.dispose](): void {
    this.#renewal?.cancel();
    this.#rounds[Symbol.dispose]();
  }
}

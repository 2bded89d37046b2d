import { type Clock, type Ipv6Address, type Log, type Metrics, toHex } from "../base/index.ts";
import { type BrownfieldDomain, type MirrorSite, mirrorRoute } from "../bgp/brownfield/index.ts";
import type { Speaker } from "../bgp/speaker/index.ts";
import { type CapabilityNlri, type CapabilitySiteNlri, encodeCapability } from "../bgp/wire/index.ts";
import type { AttributeSet } from "../rib/index.ts";
import type { RouteOrigin } from "./announcer.ts";
import { Rounds } from "./rounds.ts";

/** Routes that are said again in one turn of the event loop: some 3 ms. */
const PER_TURN = 64;

const keyOf = (nlri: CapabilityNlri, isOther: boolean): string => `${isOther} ${toHex(encodeCapability(nlri))}`;

/** What the mirror asks of the speaker. */
export type UnicastOrigin = Pick<Speaker, "originate" | "withdraw" | "originateUnicast" | "withdrawUnicast">;

export interface MirrorTerms extends MirrorSite {
  readonly domain: BrownfieldDomain;
}

/** A site's route of this router. */
interface Source {
  readonly nlri: CapabilitySiteNlri;
  /** Another router's, said at the address of any site only. */
  readonly isOther: boolean;
  set: AttributeSet;
  /** The /128s that are said of it. */
  addresses: readonly Ipv6Address[];
}

/** Says site routes once more, as IPv6 unicast: this router's, and those that a gateway hands over. Other kinds stay in the capability family. */
export class SiteMirror implements Disposable {
  readonly #parts: { readonly clock: Clock; readonly log: Log; readonly metrics: Metrics };
  readonly #sources = new Map<string, Source>();
  /** Who said an address last, by the address in hexadecimal: several sites may be at that of any site. */
  readonly #sayers = new Map<string, Source>();
  /** What the log has said already: one line for each capability or label is enough. */
  readonly #told = new Set<string>();
  #speaker: UnicastOrigin | undefined;
  #terms: MirrorTerms | undefined;
  readonly #rounds: Rounds;

  constructor(parts: { readonly clock: Clock; readonly log: Log; readonly metrics: Metrics }) {
    this.#parts = parts;
    this.#rounds = new Rounds(parts.clock, PER_TURN);
  }

  /** A place for routes that hands them on to the speaker. */
  before(speaker: UnicastOrigin): RouteOrigin {
    this.#speaker = speaker;
    return {
      originate: (nlri, set) => {
        speaker.originate(nlri, set);
        if (nlri.type === "site") this.#say(nlri, set, false);
      },
      withdraw: (nlri) => {
        speaker.withdraw(nlri);
        if (nlri.type === "site") this.#retract(nlri, false);
      },
    };
  }

  /** A site of another router, at the address of any site. An own one at the same address comes before it. */
  sayOther(nlri: CapabilitySiteNlri, set: AttributeSet): void {
    this.#say(nlri, set, true);
  }

  retractOther(nlri: CapabilitySiteNlri): void {
    this.#retract(nlri, true);
  }

  /** Says everything by other terms, over later turns; `undefined`: nobody is to hear it any more. */
  change(terms: MirrorTerms | undefined): void {
    this.#terms = terms;
    this.#rounds.begin(this.#sources.values(), (source) => this.#mirror(source));
  }

  #say(nlri: CapabilitySiteNlri, set: AttributeSet, isOther: boolean): void {
    const key = keyOf(nlri, isOther);
    const source = this.#sources.get(key) ?? { nlri, isOther, set, addresses: [] };
    source.set = set;
    this.#sources.set(key, source);
    this.#mirror(source);
  }

  #retract(nlri: CapabilityNlri, isOther: boolean): void {
    const key = keyOf(nlri, isOther);
    const source = this.#sources.get(key);
    this.#sources.delete(key);
    if (source !== undefined) this.#unsay(source, []);
  }

  #mirror(source: Source): void {
    const { nlri, set } = source;
    const terms = this.#terms;
    if (terms === undefined) {
      this.#unsay(source, []);
      return;
    }
    const mirrored = mirrorRoute(nlri, set, { ...terms, relayed: source.isOther }, terms.domain);
    if (!mirrored.ok) {
      this.#tell("brownfield.route.not-said", { capability: toHex(nlri.capabilityId), reason: mirrored.reason });
      this.#unsay(source, []);
      return;
    }
    for (const label of mirrored.labelsLost) this.#tell("brownfield.label.not-said", { label });
    if (mirrored.payloadLost) this.#tell("brownfield.payload.too-long", { capability: toHex(nlri.capabilityId) });
    const addresses = source.isOther ? mirrored.addresses.slice(1) : mirrored.addresses;
    this.#unsay(source, addresses);
    for (const address of addresses) {
      const sayer = this.#sayers.get(toHex(address));
      if (source.isOther && sayer?.isOther === false) continue;
      this.#sayers.set(toHex(address), source);
      this.#speaker?.originateUnicast({ family: "ipv6-unicast", address, length: 128 }, mirrored.set);
    }
  }

  /** Withdraws what is said of a source, but for what stays. */
  #unsay(source: Source, stays: readonly Ipv6Address[]): void {
    const kept = new Set(stays.map((address) => toHex(address)));
    for (const address of source.addresses) {
      if (kept.has(toHex(address)) || this.#sayers.get(toHex(address)) !== source) continue;
      this.#sayers.delete(toHex(address));
      this.#speaker?.withdrawUnicast({ family: "ipv6-unicast", address, length: 128 });
    }
    source.addresses = stays;
  }

  #tell(event: string, fields: Readonly<Record<string, string>>): void {
    const { log, metrics } = this.#parts;
    const help = "Own routes, or parts of them, that unicast does not carry";
    metrics.counter("semrd_brownfield_not_said_total", help, { event }).add();
    const line = JSON.stringify([event, fields]);
    if (this.#told.has(line)) return;
    this.#told.add(line);
    log.warn(event, fields);
  }

  /** Nothing is said any more; what was said stays. */
  [Symbol.dispose](): void {
    this.#rounds[Symbol.dispose]();
    this.#speaker = undefined;
  }
}

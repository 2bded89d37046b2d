import type { Ipv6Address } from "../../base/index.ts";
import type { AttributeContext } from "./attribute-rows.ts";
import type { AttributeCodec, AttributeFault, AttributeOutcome } from "./attributes.ts";
import { AttributeCode, AttributeFlag, ErrorCode, MAX_MESSAGE_LENGTH, UpdateSubcode } from "./constants.ts";
import { type Family, familyName, IPV4_UNICAST, sameFamily } from "./family.ts";
import { type NotificationMessage, notification } from "./fault.ts";
import { NlriBatch } from "./nlri.ts";
import { OutcomeCache } from "./outcome-cache.ts";

/**
 * What one UPDATE asks for. The keys are in the decoder's `withdrawn` and `announced`.
 *
 * With `attributes` undefined the announced keys are to be withdrawn as well (treat-as-withdraw, or there are none).
 */
export type UpdateOutcome =
  | {
      readonly kind: "routes";
      readonly attributes: Extract<AttributeOutcome, { kind: "valid" }> | undefined;
      readonly faults: readonly AttributeFault[];
    }
  | { readonly kind: "end-of-rib"; readonly family: Family }
  /** The routes of the family cannot be found any more: all of them go, and no more are taken. @see RFC 4760 §7 */
  | { readonly kind: "disable-family"; readonly family: Family; readonly faults: readonly AttributeFault[] }
  | { readonly kind: "reset"; readonly fault: NotificationMessage; readonly reason: string };

const NO_FAULTS: readonly AttributeFault[] = [];
const NEXT_HOP_LENGTH = 16;

/** What ends the reading of a message before its end. */
type Stop = Extract<UpdateOutcome, { kind: "reset" | "disable-family" }>;

/**
 * Decodes UPDATE messages of one session. Nothing is allocated per route: both batches are reused by the next message and
 * borrow its octets. Attributes are decoded once per distinct run of octets, as long as it stays in a small cache.
 * @see RFC 4271 §4.3 and §6.3; RFC 4760 §3, §4 and §7; RFC 7606
 */
export class UpdateDecoder {
  readonly announced = new NlriBatch();
  readonly withdrawn = new NlriBatch();
  /** UPDATEs of other families, or of ours where it was not agreed; they are ignored. */
  notAgreed = 0;
  readonly #codec: AttributeCodec;
  readonly #context: AttributeContext;
  readonly #agreed: boolean;
  readonly #cache = new OutcomeCache();

  // State of the message that is being read.
  readonly #gathered = new Uint8Array(NEXT_HOP_LENGTH + MAX_MESSAGE_LENGTH);
  #gatheredLength = 0;
  readonly #seen = new Int32Array(256);
  #message = 0;
  #found = 0;
  #reaches = false;
  #reachesElsewhere = false;
  #unreachable: Family | undefined;
  #faults: AttributeFault[] | undefined;

  /** @param agreed whether the capability family was agreed on this session */
  constructor(codec: AttributeCodec, context: AttributeContext, agreed: boolean) {
    this.#codec = codec;
    this.#context = context;
    this.#agreed = agreed;
  }

  /** @param octets the body of the message is `octets[start..end)`, borrowed until the batches have been used */
  decode(octets: Uint8Array, start: number, end: number): UpdateOutcome {
    this.#begin();
    const withdrawnLength = end - start < 4 ? -1 : u16(octets, start);
    const lengthAt = start + 2 + withdrawnLength;
    if (withdrawnLength < 0 || lengthAt + 2 > end) return reset("withdrawn routes longer than the message");
    const attributesStart = lengthAt + 2;
    const attributesEnd = attributesStart + u16(octets, lengthAt);
    if (attributesEnd > end) return reset("path attributes longer than the message");
    const ipv4 = withdrawnLength > 0 || attributesEnd < end;
    if (ipv4) this.notAgreed++;
    this.#reachesElsewhere = attributesEnd < end;

    const stop = this.#walk(octets, attributesStart, attributesEnd);
    if (stop !== undefined) return stop;
    if (!ipv4 && attributesStart === attributesEnd) return { kind: "end-of-rib", family: IPV4_UNICAST };
    if (!ipv4 && this.#found === 1 && this.#unreachable !== undefined && this.#faults === undefined) {
      const ours = sameFamily(this.#unreachable, this.#codec.dialect.family);
      if (ours && this.withdrawn.seen === 0) return { kind: "end-of-rib", family: this.#unreachable };
    }
    return this.#conclude();
  }

  #begin(): void {
    this.announced.clear();
    this.withdrawn.clear();
    this.#message++;
    this.#gatheredLength = NEXT_HOP_LENGTH;
    this.#found = 0;
    this.#reaches = false;
    this.#reachesElsewhere = false;
    this.#unreachable = undefined;
    this.#faults = undefined;
  }

  /** Splits the attributes; what frames routes is read at once, the rest is gathered. */
  #walk(octets: Uint8Array, start: number, end: number): Stop | undefined {
    let at = start;
    while (at < end) {
      const flags = octets[at]!;
      const extended = (flags & AttributeFlag.ExtendedLength) !== 0;
      const header = extended ? 4 : 3;
      if (end - at < header) {
        this.#fault(0, "treat-as-withdraw", "half an attribute header"); // RFC 7606 §4
        break;
      }
      const code = octets[at + 1]!;
      const length = extended ? u16(octets, at + 2) : octets[at + 2]!;
      const value = at + header;
      if (length > end - value) {
        this.#fault(code, "treat-as-withdraw", "longer than the path attributes"); // RFC 7606 §4
        break;
      }
      this.#found++;
      const stop = this.#take(octets, at, code, value, value + length);
      if (stop !== undefined) return stop;
      at = value + length;
    }
    return undefined;
  }

  #take(octets: Uint8Array, at: number, code: number, value: number, end: number): Stop | undefined {
    const framesRoutes = code === AttributeCode.MpReachNlri || code === AttributeCode.MpUnreachNlri;
    if (this.#seen[code] === this.#message) {
      // RFC 7606 §3 g)
      if (framesRoutes) return reset(`${this.#codec.nameOf(code)} twice`);
      this.#fault(code, "attribute-discard", "twice");
      return undefined;
    }
    this.#seen[code] = this.#message;
    if (!framesRoutes) {
      for (let i = at; i < end; i++) this.#gathered[this.#gatheredLength++] = octets[i]!;
      return undefined;
    }
    if ((octets[at]! & (AttributeFlag.Optional | AttributeFlag.Transitive)) !== AttributeFlag.Optional) {
      this.#fault(code, "treat-as-withdraw", "conflicting flags"); // RFC 7606 §3 c)
    }
    return code === AttributeCode.MpReachNlri ? this.#reach(octets, value, end) : this.#unreach(octets, value, end);
  }

  /** AFI u16, SAFI u8, next-hop length u8, next hop, reserved u8, NLRI. @see RFC 4760 §3; RFC 7606 §7.11 */
  #reach(octets: Uint8Array, start: number, end: number): Stop | undefined {
    if (end - start < 5) return reset("MP_REACH_NLRI of less than 5 octets");
    const family = { afi: u16(octets, start), safi: octets[start + 2]! };
    if (!this.#agreed || !sameFamily(family, this.#codec.dialect.family)) {
      this.notAgreed++;
      this.#reachesElsewhere = true;
      return undefined;
    }
    const routes = start + 5 + NEXT_HOP_LENGTH;
    if (octets[start + 3] !== NEXT_HOP_LENGTH || routes > end) {
      return this.#disable(AttributeCode.MpReachNlri, family, `a next hop of ${octets[start + 3]} octets`);
    }
    for (let i = 0; i < NEXT_HOP_LENGTH; i++) this.#gathered[i] = octets[start + 4 + i]!;
    if (!this.announced.scan(octets, routes, end)) {
      return this.#disable(AttributeCode.MpReachNlri, family, "a route longer than the attribute");
    }
    this.#reaches = this.announced.seen > 0;
    return undefined;
  }

  /** AFI u16, SAFI u8, withdrawn routes. @see RFC 4760 §4; RFC 7606 §7.12 */
  #unreach(octets: Uint8Array, start: number, end: number): Stop | undefined {
    if (end - start < 3) return reset("MP_UNREACH_NLRI of less than 3 octets");
    const family = { afi: u16(octets, start), safi: octets[start + 2]! };
    this.#unreachable = family;
    if (!this.#agreed || !sameFamily(family, this.#codec.dialect.family)) {
      this.notAgreed++;
      return undefined;
    }
    if (!this.withdrawn.scan(octets, start + 3, end)) {
      return this.#disable(AttributeCode.MpUnreachNlri, family, "a route longer than the attribute");
    }
    return undefined;
  }

  #conclude(): UpdateOutcome {
    const faults = this.#faults ?? NO_FAULTS;
    const withdraws = faults.some(({ action }) => action === "treat-as-withdraw");
    if (this.#gatheredLength === NEXT_HOP_LENGTH && !this.#reaches && !withdraws) {
      return { kind: "routes", attributes: undefined, faults };
    }
    if (this.#reachesElsewhere && !this.#reaches) return { kind: "routes", attributes: undefined, faults };
    const gathered = this.#gathered.subarray(0, this.#gatheredLength);
    const outcome = this.#cache.find(gathered, () => this.#decodeAttributes(gathered));
    if (outcome.kind === "unrecognized-well-known") {
      const subcode = UpdateSubcode.UnrecognizedWellKnownAttribute;
      return {
        kind: "reset",
        fault: notification(ErrorCode.UpdateMessage, subcode, outcome.attribute),
        reason: `unrecognized well-known attribute ${outcome.attribute[1]}`,
      };
    }
    const all = faults.length === 0 ? outcome.faults : [...faults, ...outcome.faults];
    const valid = outcome.kind === "valid" && !withdraws;
    if (this.#reaches) return { kind: "routes", attributes: valid ? outcome : undefined, faults: all };
    // Without a route that can be reached nobody knows whether all routes were found. @see RFC 7606 §5.2
    const grave = all.find(({ action, reason }) => action === "treat-as-withdraw" && reason !== "missing");
    if (grave !== undefined) return reset(`${grave.name}: ${grave.reason}, and no reachable route`);
    return { kind: "routes", attributes: undefined, faults: all.filter(({ reason }) => reason !== "missing") };
  }

  #decodeAttributes(gathered: Uint8Array): AttributeOutcome {
    const nextHop: Ipv6Address = gathered.subarray(0, NEXT_HOP_LENGTH);
    return this.#codec.decode(gathered.subarray(NEXT_HOP_LENGTH), nextHop, this.#context);
  }

  #disable(code: number, family: Family, reason: string): Stop {
    this.announced.clear();
    this.withdrawn.clear();
    const name = `${this.#codec.nameOf(code)} ${familyName(family)}`;
    return { kind: "disable-family", family, faults: [{ code, name, action: "disable-family", reason }] };
  }

  #fault(code: number, action: AttributeFault["action"], reason: string): void {
    this.#faults ??= [];
    this.#faults.push({ code, name: this.#codec.nameOf(code), action, reason });
  }
}

function u16(octets: Uint8Array, at: number): number {
  return (octets[at]! << 8) | octets[at + 1]!;
}

function reset(reason: string): Stop {
  return {
    kind: "reset",
    fault: notification(ErrorCode.UpdateMessage, UpdateSubcode.MalformedAttributeList),
    reason,
  };
}

import { copyOctets, isLinkLocal, OctetView, SPARE_OCTETS } from "../../base/index.ts";
import type { RouteFamily } from "../../rib/index.ts";
import type { AttributeContext } from "./attribute-row.ts";
import type { AttributeCodec, AttributeFault, AttributeOutcome } from "./attributes.ts";
import { AttributeCode, AttributeFlag, MAX_EXTENDED_MESSAGE_LENGTH, MAX_MESSAGE_LENGTH } from "./constants.ts";
import { type Family, familyName, IPV4_UNICAST, routeFamily, wireFamily } from "./family.ts";
import { isUnspecified, NEXT_HOP_LENGTH, writeMapped } from "./next-hop.ts";
import { NlriBatch, type NlriForm } from "./nlri.ts";
import { OutcomeCache } from "./outcome-cache.ts";
import { ReceivedSet } from "./received-set.ts";
import { badNetwork, reset, type Stop, type UpdateOutcome, unrecognized } from "./update-outcome.ts";

/** What a session agreed on, as far as its UPDATEs are concerned. */
export interface AgreedFamilies {
  /** Routes of others are ignored. */
  readonly families: readonly RouteFamily[];
  /** IPv4 routes may have an IPv6 next hop. @see RFC 8950 */
  readonly extendedNextHop?: boolean;
  /** Those of them whose routes come with path identifiers. @see RFC 7911 §5 */
  readonly addPath?: readonly RouteFamily[];
}

const NO_FAULTS: readonly AttributeFault[] = [];
/** In front of gathered attributes: what they are read for, and the next hop of MP_REACH_NLRI. */
const GATHERED_HEAD = 1 + NEXT_HOP_LENGTH;
/** Each code once. */
const MOST_ATTRIBUTES = 256;
/** What attributes are read for: routes of one family with the next hop at hand, of the classic field, or none. */
const FAMILIES: readonly RouteFamily[] = ["capability", "ipv6-unicast", "ipv4-unicast", "route-target"];
const FOR_CLASSIC = 0xff;
/** AFI and SAFI. */
const FAMILY_LENGTH = 3;
const TOO_LONG = "a route longer than the attribute or the family's addresses";
const SCANNED = { kind: "valid", faults: NO_FAULTS } as const;
const WITHDRAWN: UpdateOutcome = {
  kind: "routes",
  attributes: undefined,
  classicAttributes: undefined,
  faults: NO_FAULTS,
};

/**
 * Decodes UPDATE messages of one session. Nothing is allocated per route: both batches are reused by the next message and
 * borrow its octets, and so are the attribute sets of an outcome. What well-behaved speakers send is checked where it lies
 * (`SetScanner`); anything else goes the long way, once per distinct run of octets as long as it stays in a small cache.
 * @see RFC 4271 §4.3 and §6.3; RFC 4760 §3, §4 and §7; RFC 7606
 */
export class UpdateDecoder {
  readonly announced = new NlriBatch();
  readonly withdrawn = new NlriBatch();
  announcedFamily: RouteFamily = "capability";
  withdrawnFamily: RouteFamily = "capability";
  /** IPv4 unicast, from the fields that are older than the attributes. */
  readonly classic = { announced: new NlriBatch(), withdrawn: new NlriBatch() };
  /** UPDATEs of families that are not known or were not agreed; they are ignored. */
  notAgreed = 0;
  readonly #codec: AttributeCodec;
  readonly #context: AttributeContext;
  readonly #agreed: AgreedFamilies;
  readonly #forms: Readonly<Record<RouteFamily, NlriForm>>;
  readonly #cache = new OutcomeCache();

  /** AFI and SAFI of the attribute that was read last, as one number, and what they mean. */
  #points = -1;
  #pointsFamily: Family = IPV4_UNICAST;
  #pointsName: RouteFamily | undefined;
  /** Of FAMILIES. */
  #pointsIndex = -1;

  // State of the message that is being read.
  /** Where the attributes are that belong to a set. */
  readonly #places = { octets: new Uint8Array(0) as Uint8Array, starts: new Int32Array(MOST_ATTRIBUTES), count: 0 };
  /** What they are read for (an index of FAMILIES), and the next hop of MP_REACH_NLRI. */
  #reachFor = 0;
  readonly #nextHop = new Uint8Array(NEXT_HOP_LENGTH + SPARE_OCTETS);
  /** The same memory. */
  readonly #nextHops = new DataView(this.#nextHop.buffer);
  readonly #source = new OctetView();
  readonly #own: ReceivedSet;
  /** What most messages come to. */
  readonly #usual: UpdateOutcome;
  readonly #ofClassic: ReceivedSet;
  #gathered = new Uint8Array(GATHERED_HEAD + MAX_MESSAGE_LENGTH);
  readonly #seen = new Int32Array(256);
  #message = 0;
  #found = 0;
  #reaches = false;
  #reachesElsewhere = false;
  #unreachable: Family | undefined;
  #faults: AttributeFault[] | undefined;
  /** Families of this message whose routes cannot be found. */
  #lost: RouteFamily[] | undefined;

  constructor(codec: AttributeCodec, context: AttributeContext, agreed: AgreedFamilies) {
    this.#codec = codec;
    this.#context = context;
    this.#agreed = agreed;
    this.#own = new ReceivedSet(codec, context);
    this.#usual = { kind: "routes", attributes: this.#own, classicAttributes: undefined, faults: NO_FAULTS };
    this.#ofClassic = new ReceivedSet(codec, context);
    const form = (family: RouteFamily): NlriForm => ({ pathIds: agreed.addPath?.includes(family) === true });
    this.#forms = {
      capability: form("capability"),
      "ipv6-unicast": form("ipv6-unicast"),
      "ipv4-unicast": form("ipv4-unicast"),
      "route-target": form("route-target"),
    };
  }

  /** @param octets the body of the message is `octets[start..end)`, borrowed until the batches have been used */
  decode(octets: Uint8Array, start: number, end: number): UpdateOutcome {
    this.#begin(octets);
    const withdrawnLength = end - start < 4 ? -1 : u16(octets, start);
    const lengthAt = start + 2 + withdrawnLength;
    if (withdrawnLength < 0 || lengthAt + 2 > end) return reset("withdrawn routes longer than the message");
    const attributesStart = lengthAt + 2;
    const attributesEnd = attributesStart + u16(octets, lengthAt);
    if (attributesEnd > end) return reset("path attributes longer than the message");
    const hasClassic = withdrawnLength > 0 || attributesEnd < end;
    if (hasClassic) {
      const stop = this.#classic(octets, start + 2, lengthAt, attributesEnd, end);
      if (stop !== undefined) return stop;
    }

    const stop = this.#walk(octets, attributesStart, attributesEnd);
    if (stop !== undefined) return stop;
    if (!hasClassic && attributesStart === attributesEnd) return { kind: "end-of-rib", family: IPV4_UNICAST };
    if (!hasClassic && this.#found === 1 && this.#unreachable !== undefined && this.#faults === undefined) {
      const ours = this.#known(this.#unreachable) !== undefined;
      if (ours && this.withdrawn.seen === 0) return { kind: "end-of-rib", family: this.#unreachable };
    }
    const outcome = this.#conclude();
    return this.#lost === undefined || outcome.kind !== "routes" ? outcome : this.#disable(outcome, this.#lost);
  }

  #begin(octets: Uint8Array): void {
    this.announced.clear();
    this.withdrawn.clear();
    this.classic.announced.clear();
    this.classic.withdrawn.clear();
    this.#message++;
    this.#places.octets = octets;
    this.#places.count = 0;
    this.#reachFor = 0;
    this.#found = 0;
    this.#reaches = false;
    this.#reachesElsewhere = false;
    this.#unreachable = undefined;
    this.#faults = undefined;
    this.#lost = undefined;
  }

  /** Nearly every message is about the family of the one before. */
  #lookUp(points: number): void {
    this.#points = points;
    this.#pointsFamily = { afi: points >>> 8, safi: points & 0xff };
    this.#pointsName = this.#known(this.#pointsFamily);
    this.#pointsIndex = this.#pointsName === undefined ? -1 : FAMILIES.indexOf(this.#pointsName);
  }

  /** The family of these code points, where it was agreed. */
  #known(family: Family): RouteFamily | undefined {
    const name = routeFamily(family, this.#codec.dialect);
    return name !== undefined && this.#agreed.families.includes(name) ? name : undefined;
  }

  /** Withdrawn routes and NLRI of the message itself. @see RFC 4271 §4.3; RFC 7606 §5.3 (nothing softer than a reset is left) */
  #classic(octets: Uint8Array, withdrawn: number, withdrawnEnd: number, nlri: number, end: number): Stop | undefined {
    if (!this.#agreed.families.includes("ipv4-unicast")) {
      this.notAgreed++;
      this.#reachesElsewhere = nlri < end;
      return undefined;
    }
    const form = this.#forms["ipv4-unicast"];
    if (!this.classic.withdrawn.scan(octets, withdrawn, withdrawnEnd, "ipv4-unicast", form))
      return badNetwork("withdrawn routes");
    if (!this.classic.announced.scan(octets, nlri, end, "ipv4-unicast", form)) return badNetwork("NLRI");
    return undefined;
  }

  /** Splits the attributes; what frames routes is read at once, of the rest the places are kept. */
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
      if (length > end - value) return this.#overrun(octets, code, value, end);
      this.#found++;
      const stop = this.#take(octets, at, code, value, value + length);
      if (stop !== undefined) return stop;
      at = value + length;
    }
    return undefined;
  }

  /**
   * An attribute that leads out of the others, as the last one: routes that the message announces all the same are treated as
   * withdrawn. Where it is one that brings routes, these cannot be found, and their family is known by its first octets.
   * @see RFC 7606 §4, §3 j)
   */
  #overrun(octets: Uint8Array, code: number, value: number, end: number): Stop | undefined {
    const reason = "longer than the path attributes";
    if (!framesRoutes(code) || end - value < FAMILY_LENGTH) {
      this.#fault(code, "treat-as-withdraw", reason);
      return undefined;
    }
    if (this.#seen[code] === this.#message) return reset(`${this.#codec.nameOf(code)} twice`); // RFC 7606 §3 g)
    if (this.#reaches || this.classic.announced.seen > 0) this.#fault(code, "treat-as-withdraw", reason);
    const name = this.#familyOf(octets, code, value);
    if (name !== undefined) this.#lose(code, name, reason);
    return undefined;
  }

  #take(octets: Uint8Array, at: number, code: number, value: number, end: number): Stop | undefined {
    if (this.#seen[code] === this.#message) {
      // RFC 7606 §3 g)
      if (framesRoutes(code)) return reset(`${this.#codec.nameOf(code)} twice`);
      this.#fault(code, "attribute-discard", "twice");
      return undefined;
    }
    this.#seen[code] = this.#message;
    if (!framesRoutes(code)) {
      this.#places.starts[this.#places.count++] = at;
      return undefined;
    }
    if (end - value < FAMILY_LENGTH) return reset(`${this.#codec.nameOf(code)} of less than ${FAMILY_LENGTH} octets`);
    const name = this.#familyOf(octets, code, value);
    if (name === undefined) return undefined;
    // RFC 7606 §5.3: with other flags the attribute is as incorrect as with a length that lies.
    const isOptional = (octets[at]! & (AttributeFlag.Optional | AttributeFlag.Transitive)) === AttributeFlag.Optional;
    const wrong = !isOptional
      ? "conflicting flags"
      : code === AttributeCode.MpReachNlri
        ? this.#reach(name, octets, value, end)
        : this.#unreach(name, octets, value, end);
    if (wrong !== undefined) this.#lose(code, name, wrong);
    return undefined;
  }

  /** Whose routes an attribute brings; `undefined`, and counted, for those that were not agreed. */
  #familyOf(octets: Uint8Array, code: number, value: number): RouteFamily | undefined {
    const points = (octets[value]! << 16) | (octets[value + 1]! << 8) | octets[value + 2]!;
    if (points !== this.#points) this.#lookUp(points);
    if (code === AttributeCode.MpUnreachNlri) this.#unreachable = this.#pointsFamily;
    const name = this.#pointsName;
    if (name !== undefined) return name;
    this.notAgreed++;
    if (code === AttributeCode.MpReachNlri) this.#reachesElsewhere = true;
    return undefined;
  }

  /** AFI u16, SAFI u8, next-hop length u8, next hop, reserved u8, NLRI. @see RFC 4760 §3; RFC 7606 §5.3 and §7.11 */
  #reach(name: RouteFamily, octets: Uint8Array, start: number, end: number): string | undefined {
    if (end - start < 5) return `${end - start} octets`;
    const length = octets[start + 3]!;
    const routes = start + 5 + length;
    if (routes > end || !this.#takeNextHop(name, octets, start + 4, length)) return `a next hop of ${length} octets`;
    if (!this.announced.scan(octets, routes, end, name, this.#forms[name])) return TOO_LONG;
    this.announcedFamily = name;
    this.#reachFor = this.#pointsIndex;
    this.#reaches = this.announced.seen > 0;
    return undefined;
  }

  /**
   * False for a length that the family does not have. A link-local address behind a global one is of no use to whom the
   * route is passed on, and so is left out; it counts where the first one is none (as BIRD sends it without a global one).
   * @see RFC 4760 §3; RFC 2545 §3; RFC 8950 §3
   */
  #takeNextHop(family: RouteFamily, octets: Uint8Array, at: number, length: number): boolean {
    if ((family === "ipv4-unicast" || family === "route-target") && length === 4) {
      writeMapped(this.#nextHop, 0, octets, at);
      return true;
    }
    if (length !== NEXT_HOP_LENGTH && (length !== 2 * NEXT_HOP_LENGTH || family === "capability")) return false;
    if (family === "ipv4-unicast" && this.#agreed.extendedNextHop !== true) return false;
    const second = at + NEXT_HOP_LENGTH;
    const isSecond = length === 2 * NEXT_HOP_LENGTH && isUnspecified(octets, at) && isLinkLocal(octets, second);
    copyOctets(this.#source.over(octets), isSecond ? second : at, this.#nextHops, 0, NEXT_HOP_LENGTH);
    return true;
  }

  /** AFI u16, SAFI u8, withdrawn routes. @see RFC 4760 §4; RFC 7606 §5.3 and §7.12 */
  #unreach(name: RouteFamily, octets: Uint8Array, start: number, end: number): string | undefined {
    this.withdrawnFamily = name;
    return this.withdrawn.scan(octets, start + FAMILY_LENGTH, end, name, this.#forms[name]) ? undefined : TOO_LONG;
  }

  #conclude(): UpdateOutcome {
    const faults = this.#faults ?? NO_FAULTS;
    const withdraws = faults !== NO_FAULTS && faults.some(({ action }) => action === "treat-as-withdraw");
    const reachesClassic = this.classic.announced.seen > 0;
    if (!this.#reaches && !reachesClassic) return this.#concludeWithdrawal(faults, withdraws);
    return this.#concludeAnnouncement(faults, withdraws, reachesClassic);
  }

  #concludeAnnouncement(faults: readonly AttributeFault[], withdraws: boolean, reachesClassic: boolean): UpdateOutcome {
    const own = this.#reaches ? this.#receive(this.#own, this.#reachFor) : undefined;
    const classic = reachesClassic ? this.#receive(this.#ofClassic, FOR_CLASSIC) : undefined;
    const bad = own?.kind === "unrecognized-well-known" ? own : classic;
    if (bad?.kind === "unrecognized-well-known") return unrecognized(bad.attribute);
    if (own === SCANNED && classic === undefined && faults === NO_FAULTS) return this.#usual;
    const all = [own, classic].flatMap((outcome) =>
      outcome === undefined || outcome.kind === "unrecognized-well-known" ? NO_FAULTS : outcome.faults,
    );
    return {
      kind: "routes",
      attributes: own?.kind === "valid" && !withdraws ? this.#own : undefined,
      classicAttributes: classic?.kind === "valid" && !withdraws ? this.#ofClassic : undefined,
      faults: faults.length === 0 && all.length === 0 ? NO_FAULTS : [...faults, ...all],
    };
  }

  /** Attributes without a route that they would belong to. */
  #concludeWithdrawal(faults: readonly AttributeFault[], withdraws: boolean): UpdateOutcome {
    const routes = { kind: "routes", attributes: undefined, classicAttributes: undefined } as const;
    const hasNone = this.#places.count === 0 && !withdraws;
    if (hasNone && faults === NO_FAULTS) return WITHDRAWN;
    if (hasNone || (this.#reachesElsewhere && this.#lost === undefined)) return { ...routes, faults };
    const outcome = this.#read(this.#reachFor);
    if (outcome.kind === "unrecognized-well-known") return unrecognized(outcome.attribute); // the strongest (RFC 7606 §3 h)
    if (this.#reachesElsewhere) return { ...routes, faults };
    const all = [...faults, ...outcome.faults].filter(({ reason }) => reason !== "missing");
    // Without a route that can be reached nobody knows whether all routes were found. @see RFC 7606 §5.2
    const grave = all.find(({ action }) => action === "treat-as-withdraw");
    if (grave !== undefined) return reset(`${grave.name}: ${grave.reason}, and no reachable route`);
    return { ...routes, faults: all };
  }

  /** The short way, and where it does not lead there, the long one. */
  #receive(into: ReceivedSet, what: number): AttributeOutcome | typeof SCANNED {
    const family = FAMILIES[what];
    const found = into.scan(this.#places, family ?? "ipv4-unicast", family === undefined ? undefined : this.#nextHop);
    if (found) return SCANNED;
    const outcome = this.#read(what);
    if (outcome.kind === "valid") into.read(outcome);
    return outcome;
  }

  /** What the attributes come to for the routes of MP_REACH_NLRI, or for those of the classic field. */
  #read(what: number): AttributeOutcome {
    const { octets, starts, count } = this.#places;
    let length = GATHERED_HEAD;
    for (let i = 0; i < count; i++) length += attributeLength(octets, starts[i]!);
    if (length > this.#gathered.length) this.#gathered = new Uint8Array(GATHERED_HEAD + MAX_EXTENDED_MESSAGE_LENGTH);
    const all = this.#gathered;
    all[0] = what;
    // Of the classic field only one part of the key counts.
    for (let i = 0; i < NEXT_HOP_LENGTH; i++) all[1 + i] = what === FOR_CLASSIC ? 0 : this.#nextHop[i]!;
    let at = GATHERED_HEAD;
    for (let i = 0; i < count; i++) {
      const start = starts[i]!;
      const end = start + attributeLength(octets, start);
      for (let from = start; from < end; from++) all[at++] = octets[from]!;
    }
    const gathered = all.subarray(0, length);
    return this.#cache.find(gathered, () => this.#decodeAttributes(gathered));
  }

  #decodeAttributes(gathered: Uint8Array): AttributeOutcome {
    const family = FAMILIES[gathered[0]!];
    const reach =
      family === undefined
        ? ({ family: "ipv4-unicast", nextHop: undefined } as const)
        : { family, nextHop: gathered.subarray(1, GATHERED_HEAD) };
    return this.#codec.decode(gathered.subarray(GATHERED_HEAD), reach, this.#context);
  }

  /** Routes of the family cannot be found: the softest that is left is to give it up. @see RFC 7606 §3 j); RFC 4760 §7 */
  #lose(code: number, name: RouteFamily, reason: string): void {
    if (code === AttributeCode.MpReachNlri) {
      this.announced.clear();
      this.#reachesElsewhere = true;
    } else this.withdrawn.clear();
    this.#lost ??= [];
    this.#lost.push(name);
    const family = familyName(wireFamily(name, this.#codec.dialect));
    this.#faults ??= [];
    this.#faults.push({ code, name: `${this.#codec.nameOf(code)} ${family}`, action: "disable-family", reason });
  }

  /** What else the message says of those families goes with them; other families have a message like any. */
  #disable(others: Extract<UpdateOutcome, { kind: "routes" }>, families: readonly RouteFamily[]): UpdateOutcome {
    if (families.includes(this.announcedFamily)) this.announced.clear();
    if (families.includes(this.withdrawnFamily)) this.withdrawn.clear();
    if (families.includes("ipv4-unicast")) {
      this.classic.announced.clear();
      this.classic.withdrawn.clear();
    }
    return { ...others, kind: "disable-family", families };
  }

  #fault(code: number, action: AttributeFault["action"], reason: string): void {
    this.#faults ??= [];
    this.#faults.push({ code, name: this.#codec.nameOf(code), action, reason });
  }
}

/** Whether it brings routes, and so is not part of a set. */
function framesRoutes(code: number): boolean {
  return code === AttributeCode.MpReachNlri || code === AttributeCode.MpUnreachNlri;
}

/** Header and value. */
function attributeLength(octets: Uint8Array, at: number): number {
  return (octets[at]! & AttributeFlag.ExtendedLength) === 0 ? 3 + octets[at + 2]! : 4 + u16(octets, at + 2);
}

function u16(octets: Uint8Array, at: number): number {
  return (octets[at]! << 8) | octets[at + 1]!;
}

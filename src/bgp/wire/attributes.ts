import { type Ipv6Address, OctetSlab, Reader, Writer } from "../../base/index.ts";
import { type AttributeSet, digestOf, type RouteFamily, type SetSource } from "../../rib/index.ts";
import { mergeAs4Path } from "./as-path.ts";
import type { AttributeContext, AttributeDraft, AttributeRow, FaultAction } from "./attribute-row.ts";
import { attributeRows } from "./attribute-rows.ts";
import { AS_TRANS, AttributeCode, AttributeFlag } from "./constants.ts";
import { type Dialect, wireFamily } from "./family.ts";
import { IDENTITY_HEAD, IDENTITY_NEXT_HOP } from "./identity.ts";
import { NEXT_HOP_LENGTH } from "./next-hop.ts";
import { SemanticCache } from "./semantic-cache.ts";

/** One attribute that was wrong, and what was done about it. */
export interface AttributeFault {
  readonly code: number;
  readonly name: string;
  readonly action: FaultAction | "disable-family" | "session-reset";
  readonly reason: string;
}

/** What the attributes of one UPDATE came to. Shared between UPDATEs that carry the same octets. */
export type AttributeOutcome =
  | {
      readonly kind: "valid";
      readonly set: AttributeSet;
      /** See `AttributeCodec.identity`. */
      readonly identity: Uint8Array;
      readonly faults: readonly AttributeFault[];
    }
  | { readonly kind: "treat-as-withdraw"; readonly faults: readonly AttributeFault[] }
  | { readonly kind: "unrecognized-well-known"; readonly attribute: Uint8Array };

const { Optional, Transitive, Partial, ExtendedLength } = AttributeFlag;
const KIND = Optional | Transitive;
/** Room for twice what a message can hold. */
const ROOM = 8192;
const IDENTITY: AttributeContext = { asWidth: 4, internal: true };

/** What the attributes are read for. */
export interface Reach {
  readonly family: RouteFamily;
  /** From MP_REACH_NLRI; `undefined`: the routes are in the classic fields and NEXT_HOP counts. */
  readonly nextHop: Ipv6Address | undefined;
}

/** Codes that are known and merely carried: forwarding them does not make them partial. */
const KNOWN_CARRIED: ReadonlySet<number> = new Set([
  AttributeCode.AtomicAggregate,
  AttributeCode.Aggregator,
  AttributeCode.Ipv6ExtendedCommunities,
]);

/** Reads and writes attribute sets. Holds the table of rows only: one serves all sessions of a dialect. */
export class AttributeCodec {
  readonly dialect: Dialect;
  readonly semantics = new SemanticCache();
  readonly #rows: readonly AttributeRow[];
  readonly #byCode: (AttributeRow | undefined)[] = new Array(256).fill(undefined);
  /** Written anew by each `identity` and `encode`, which hand out copies of what is needed. */
  readonly #out = new Writer(ROOM);
  readonly #slab = new OctetSlab();

  constructor(dialect: Dialect) {
    this.dialect = dialect;
    this.#rows = attributeRows(dialect.semanticCode);
    for (const row of this.#rows) this.#byCode[row.code] = row;
  }

  /** For people: `LOCAL_PREF`, `attribute 99`. */
  nameOf(code: number): string {
    if (code === AttributeCode.MpReachNlri) return "MP_REACH_NLRI";
    if (code === AttributeCode.MpUnreachNlri) return "MP_UNREACH_NLRI";
    return this.#byCode[code]?.name ?? `attribute ${code}`;
  }

  /**
   * Reads whole attributes, as an `UpdateDecoder` gathered them: every header is complete, no code comes twice, and
   * MP_REACH_NLRI and MP_UNREACH_NLRI are gone. The next hop is copied, like everything else. SEMANTIC means something to
   * the capability family only; in others it is an unknown non-transitive attribute.
   * @see RFC 7606 §3 and §7
   */
  decode(gathered: Uint8Array, reach: Reach, context: AttributeContext): AttributeOutcome {
    const draft: AttributeDraft = { communities: [], extendedCommunities: [], largeCommunities: [], opaque: [] };
    const faults: AttributeFault[] = [];
    const unrecognized = this.#readAll(new Reader(gathered), draft, faults, reach.family, context);
    if (unrecognized !== undefined) return { kind: "unrecognized-well-known", attribute: unrecognized };
    if (!faults.some(({ action }) => action === "treat-as-withdraw")) {
      for (const code of missing(draft, reach, context)) {
        faults.push({ code, name: this.nameOf(code), action: "treat-as-withdraw", reason: "missing" });
      }
    }
    if (faults.some(({ action }) => action === "treat-as-withdraw")) return { kind: "treat-as-withdraw", faults };
    const set = finish(draft, reach.nextHop?.slice() ?? draft.nextHop!);
    return { kind: "valid", set, identity: this.identity(set, reach.family), faults };
  }

  /** The set of an identity that this codec, or one of the same dialect, has made. */
  readonly decodeIdentity = (octets: Uint8Array, start: number, length: number): AttributeSet => {
    const draft: AttributeDraft = { communities: [], extendedCommunities: [], largeCommunities: [], opaque: [] };
    const family = this.isCapability(octets, start) ? "capability" : "ipv6-unicast";
    const attributes = new Reader(octets, start + IDENTITY_HEAD, start + length);
    this.#readAll(attributes, draft, [], family, IDENTITY);
    const nextHop = start + IDENTITY_NEXT_HOP;
    return finish(draft, octets.slice(nextHop, nextHop + NEXT_HOP_LENGTH));
  };

  /** Whether the identity that begins at `start` is one of the capability family: then SEMANTIC means something. */
  isCapability(octets: Uint8Array, start: number): boolean {
    const { afi, safi } = this.dialect.family;
    return octets[start + 3] === afi >>> 8 && octets[start + 4] === (afi & 0xff) && octets[start + 5] === safi;
  }

  /** To intern a set that is there as an object: its identity is enough to have it again. */
  sourceOf(set: AttributeSet): SetSource {
    return { set, digest: digestOf(set), decode: this.decodeIdentity };
  }

  /** A well-known attribute that is not known ends the reading. */
  #readAll(
    reader: Reader,
    draft: AttributeDraft,
    faults: AttributeFault[],
    family: RouteFamily,
    context: AttributeContext,
  ): Uint8Array | undefined {
    while (reader.left > 0) {
      const from = reader.offset;
      const flags = reader.u8();
      const code = reader.u8();
      const value = reader.within((flags & ExtendedLength) !== 0 ? reader.u16() : reader.u8());
      const row = this.#rowFor(code, family);
      if (row === undefined) {
        // @see RFC 4271 §6.3: a well-known attribute that is not known ends the session.
        if ((flags & Optional) === 0) {
          return reader.octets.slice(from, reader.offset);
        }
        // An optional non-transitive one is quietly ignored (RFC 4271 §5).
        if ((flags & Transitive) !== 0) {
          draft.opaque.push({ flags: KIND | (flags & Partial), code, value: value.rest().slice() });
        }
        continue;
      }
      const finding =
        (flags & KIND) === row.flags
          ? row.decode(value, draft, context)
          : ({ action: "treat-as-withdraw", reason: "conflicting flags" } as const); // RFC 7606 §3 c)
      if (finding === undefined) continue;
      const { action, reason } = typeof finding === "string" ? { action: row.onFault, reason: finding } : finding;
      faults.push({ code, name: row.name, action, reason });
    }
    return undefined;
  }

  /** Whether the attribute has a row: forwarding it does not make it partial. */
  knows(code: number, family: RouteFamily): boolean {
    return this.#rowFor(code, family) !== undefined;
  }

  #rowFor(code: number, family: RouteFamily): AttributeRow | undefined {
    return code === this.dialect.semanticCode && family !== "capability" ? undefined : this.#byCode[code];
  }

  /**
   * The octets that make two sets the same one: a cut MP_REACH_NLRI (AFI, SAFI, next hop) and every attribute in the
   * form that a 4-octet internal session would carry, whatever order, flags or AS width it came with.
   */
  identity(set: AttributeSet, family: RouteFamily = "capability"): Uint8Array {
    const { afi, safi } = wireFamily(family, this.dialect);
    const out = this.#out.clear().u8(Optional).u8(AttributeCode.MpReachNlri).u8(20);
    out.u16(afi).u8(safi).u8(16).bytes(set.nextHop);
    this.#write(set, IDENTITY, out, 0);
    return this.#slab.copy(out.finish());
  }

  /**
   * Everything but MP_REACH_NLRI, as sent to a peer. What may not go to it must have been taken out of the set before.
   * Unknown attributes get the Partial bit. @see RFC 4271 §5
   */
  encode(set: AttributeSet, context: AttributeContext): Uint8Array {
    const out = this.#out.clear();
    this.#write(set, context, out, Partial);
    return this.#slab.copy(out.finish());
  }

  #write(set: AttributeSet, context: AttributeContext, out: Writer, partial: number): void {
    const unknown = set.opaque.length === 0 ? set.opaque : unknownOf(set);
    let next = 0;
    for (const row of this.#rows) {
      for (; next < unknown.length && unknown[next]!.code < row.code; next++) {
        writeAttribute(out, unknown[next]!.flags | partial, unknown[next]!.code, unknown[next]!.value);
      }
      const at = out.length;
      out.u8(row.flags).u8(row.code).u8(0); // the length comes when it is known
      if (row.encode(set, context, out)) finishAttribute(out, at, row.flags);
      else out.truncate(at);
    }
    for (; next < unknown.length; next++) {
      writeAttribute(out, unknown[next]!.flags | partial, unknown[next]!.code, unknown[next]!.value);
    }
  }
}

/** By code. Those that are known are written by their rows. */
function unknownOf(set: AttributeSet): AttributeSet["opaque"] {
  return set.opaque.filter(({ code }) => !KNOWN_CARRIED.has(code)).sort((a, b) => a.code - b.code);
}

/** Sets the length of the attribute that begins at `at` and ends here. */
function finishAttribute(out: Writer, at: number, flags: number): void {
  const length = out.length - at - 3;
  if (length <= 255) out.put8(at + 2, length);
  else {
    out.insert8(at + 2);
    out
      .put8(at, flags | ExtendedLength)
      .put8(at + 2, length >>> 8)
      .put8(at + 3, length & 0xff);
  }
}

function writeAttribute(out: Writer, flags: number, code: number, value: Uint8Array): void {
  if (value.length > 255) {
    out
      .u8(flags | ExtendedLength)
      .u8(code)
      .u16(value.length);
  } else out.u8(flags).u8(code).u8(value.length);
  out.bytes(value);
}

/** Mandatory attributes that are not there. @see RFC 7606 §3 d); RFC 4271 §5.1 */
function missing(draft: AttributeDraft, reach: Reach, context: AttributeContext): number[] {
  const codes: number[] = [];
  if (draft.origin === undefined) codes.push(AttributeCode.Origin);
  if (draft.asPath === undefined) codes.push(AttributeCode.AsPath);
  if (reach.nextHop === undefined && draft.nextHop === undefined) codes.push(AttributeCode.NextHop);
  if (context.internal && draft.localPref === undefined) codes.push(AttributeCode.LocalPref);
  return codes;
}

/** Joins what a 2-octet speaker had to split. @see RFC 6793 §4.2.3 */
function finish(draft: AttributeDraft, nextHop: Ipv6Address): AttributeSet {
  const { aggregator, as4Aggregator, as4Path, opaque, origin, asPath, nextHop: _, ...others } = draft;
  // An aggregator that is not AS_TRANS was written by an old speaker after the new one: both AS4 attributes are outdated.
  const outdated = aggregator !== undefined && as4Aggregator !== undefined && aggregator.autonomousSystem !== AS_TRANS;
  const path = outdated || as4Path === undefined ? asPath! : mergeAs4Path(asPath!, as4Path);
  const trueAggregator =
    aggregator?.autonomousSystem === AS_TRANS && as4Aggregator !== undefined ? as4Aggregator : aggregator;
  if (trueAggregator !== undefined) {
    const value = new Writer(8).u32(trueAggregator.autonomousSystem).u32(trueAggregator.address).finish();
    opaque.push({ flags: KIND, code: AttributeCode.Aggregator, value });
  }
  return { ...others, origin: origin!, asPath: path, nextHop, opaque };
}

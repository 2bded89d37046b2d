import { type Ipv6Address, isLinkLocal, Reader } from "../../base/index.ts";
import type {
  AsPathSegment,
  AttributeSet,
  LargeCommunity,
  OpaqueAttribute,
  Origin,
  SemanticAttribute,
} from "../../rib/index.ts";
import { decodeAsPath } from "./as-path.ts";
import type { AttributeCodec } from "./attributes.ts";
import { AttributeCode, AttributeFlag } from "./constants.ts";
import { IDENTITY_HEAD, IDENTITY_NEXT_HOP, ORIGINS } from "./identity.ts";
import { isMappedIpv4 } from "./next-hop.ts";

const NOTHING: readonly never[] = [];

/** Attributes of a set that somebody has asked for. */
interface Read {
  asPath?: readonly AsPathSegment[];
  nextHop?: Ipv6Address;
  communities?: readonly number[];
  extendedCommunities?: readonly Uint8Array[];
  largeCommunities?: readonly LargeCommunity[];
}

/**
 * A set read from the octets of its identity, each attribute when it is asked for. One view serves set after set: who wants to
 * keep one, or to make another one of it, takes `whole`. Octets are borrowed until the next `over`.
 */
export class SetView implements AttributeSet {
  /** Whether it looks as if there were no MULTI_EXIT_DISC. */
  hidesMultiExitDisc = false;
  readonly #codec: AttributeCodec;
  #octets: Uint8Array = new Uint8Array(0);
  #start = 0;
  #end = 0;
  /** What has been asked for; most sets are asked for nothing. */
  #read: Read | undefined;
  #semantic: SemanticAttribute | undefined;
  #hasSemantic = false;
  /** An AS that is known not to be in AS_PATH; 0, which is in none, where nobody has looked. */
  #absent = 0;

  constructor(codec: AttributeCodec) {
    this.#codec = codec;
  }

  over(octets: Uint8Array, start: number, length: number): this {
    this.hidesMultiExitDisc = false;
    this.#octets = octets;
    this.#start = start;
    this.#end = start + length;
    this.#read = undefined;
    this.#hasSemantic = false;
    this.#absent = 0;
    return this;
  }

  /** The same as an object of its own. */
  get whole(): AttributeSet {
    const set = this.#codec.decodeIdentity(this.#octets, this.#start, this.#end - this.#start);
    if (!this.hidesMultiExitDisc || set.multiExitDisc === undefined) return set;
    const { multiExitDisc: _, ...others } = set;
    return others;
  }

  /** Whether AS_PATH has this number, in a segment of whatever type. */
  hasInPath(autonomousSystem: number): boolean {
    return autonomousSystem !== this.#absent && this.#isInPath(autonomousSystem);
  }

  #isInPath(autonomousSystem: number): boolean {
    const octets = this.#octets;
    const found = this.#find(AttributeCode.AsPath);
    if (found < 0) return false;
    let at = this.#valueAt(found);
    const end = at + this.#lengthAt(found);
    while (at < end) {
      const next = at + 2 + 4 * octets[at + 1]!;
      for (at += 2; at < next; at += 4) if (u32(octets, at) === autonomousSystem) return true;
    }
    return false;
  }

  nextHopOctet(index: number): number {
    return this.#octets[this.#start + IDENTITY_NEXT_HOP + index]!;
  }

  /** Whether the next hop is an IPv4 address. */
  get hasMappedNextHop(): boolean {
    return isMappedIpv4(this.#octets, this.#start + IDENTITY_NEXT_HOP);
  }

  /** Whether the next hop is an address of one link only. */
  get hasLinkLocalNextHop(): boolean {
    return isLinkLocal(this.#octets, this.#start + IDENTITY_NEXT_HOP);
  }

  get origin(): Origin {
    return ORIGINS[this.#octets[this.#find(AttributeCode.Origin) + 3]!]!;
  }

  get asPath(): readonly AsPathSegment[] {
    this.#read ??= {};
    this.#read.asPath ??= decodeAsPath(this.#reader(AttributeCode.AsPath), 4) as readonly AsPathSegment[];
    return this.#read.asPath;
  }

  get nextHop(): Ipv6Address {
    const start = this.#start + IDENTITY_NEXT_HOP;
    this.#read ??= {};
    this.#read.nextHop ??= this.#octets.subarray(start, start + 16);
    return this.#read.nextHop;
  }

  get multiExitDisc(): number | undefined {
    return this.hidesMultiExitDisc ? undefined : this.#number(AttributeCode.MultiExitDisc);
  }

  get localPref(): number | undefined {
    return this.#number(AttributeCode.LocalPref);
  }

  get originatorId(): number | undefined {
    return this.#number(AttributeCode.OriginatorId);
  }

  get clusterList(): readonly number[] | undefined {
    return this.#find(AttributeCode.ClusterList) < 0 ? undefined : this.#numbers(AttributeCode.ClusterList);
  }

  get onlyToCustomer(): number | undefined {
    return this.#number(AttributeCode.OnlyToCustomer);
  }

  get communities(): readonly number[] {
    this.#read ??= {};
    this.#read.communities ??= this.#numbers(AttributeCode.Communities);
    return this.#read.communities;
  }

  get extendedCommunities(): readonly Uint8Array[] {
    if (this.#read?.extendedCommunities !== undefined) return this.#read.extendedCommunities;
    const reader = this.#reader(AttributeCode.ExtendedCommunities);
    const found: Uint8Array[] = [];
    while (reader.left > 0) found.push(reader.bytes(8));
    this.#read ??= {};
    this.#read.extendedCommunities = found;
    return found;
  }

  get largeCommunities(): readonly LargeCommunity[] {
    if (this.#read?.largeCommunities !== undefined) return this.#read.largeCommunities;
    const reader = this.#reader(AttributeCode.LargeCommunities);
    const found: LargeCommunity[] = [];
    while (reader.left > 0) {
      found.push({ globalAdministrator: reader.u32(), data1: reader.u32(), data2: reader.u32() });
    }
    this.#read ??= {};
    this.#read.largeCommunities = found;
    return found;
  }

  get semantic(): SemanticAttribute | undefined {
    if (!this.#hasSemantic) this.#semantic = this.#readSemantic();
    this.#hasSemantic = true;
    return this.#semantic;
  }

  /** Who has read it before says what it is. */
  knowSemantic(semantic: SemanticAttribute | undefined): void {
    this.#semantic = semantic;
    this.#hasSemantic = true;
  }

  /** Who has read AS_PATH before says what is not in it. */
  knowAbsent(autonomousSystem: number): void {
    this.#absent = autonomousSystem;
  }

  #readSemantic(): SemanticAttribute | undefined {
    if (!this.#codec.isCapability(this.#octets, this.#start)) return undefined;
    const at = this.#find(this.#codec.dialect.semanticCode);
    if (at < 0) return undefined;
    const { semantic } = this.#codec.semantics.find(this.#octets, this.#valueAt(at), this.#lengthAt(at));
    return typeof semantic === "string" ? undefined : semantic;
  }

  get opaque(): readonly OpaqueAttribute[] {
    return this.whole.opaque;
  }

  #number(code: number): number | undefined {
    const at = this.#find(code);
    return at < 0 ? undefined : u32(this.#octets, at + 3);
  }

  #numbers(code: number): readonly number[] {
    const at = this.#find(code);
    if (at < 0) return NOTHING;
    const octets = this.#octets;
    const value = this.#valueAt(at);
    const end = value + this.#lengthAt(at);
    const found: number[] = [];
    for (let i = value; i < end; i += 4) {
      found.push(u32(octets, i));
    }
    return found;
  }

  #reader(code: number): Reader {
    const at = this.#find(code);
    if (at < 0) return new Reader(this.#octets, this.#start, this.#start);
    const value = this.#valueAt(at);
    return new Reader(this.#octets, value, value + this.#lengthAt(at));
  }

  /** Where the attribute begins; -1 when there is none. They come in the order of their codes. */
  #find(code: number): number {
    const octets = this.#octets;
    let at = this.#start + IDENTITY_HEAD;
    while (at < this.#end && octets[at + 1]! < code) at = this.#valueAt(at) + this.#lengthAt(at);
    return at < this.#end && octets[at + 1] === code ? at : -1;
  }

  #valueAt(at: number): number {
    return at + ((this.#octets[at]! & AttributeFlag.ExtendedLength) === 0 ? 3 : 4);
  }

  #lengthAt(at: number): number {
    const short = this.#octets[at + 2]!;
    return (this.#octets[at]! & AttributeFlag.ExtendedLength) === 0 ? short : (short << 8) | this.#octets[at + 3]!;
  }
}

function u32(octets: Uint8Array, at: number): number {
  return octets[at]! * 0x1000000 + ((octets[at + 1]! << 16) | (octets[at + 2]! << 8) | octets[at + 3]!);
}

import { type Ipv6Address, type Seconds, seconds } from "../../base/index.ts";
import type { LargeCommunity, SemanticAttribute, SiteState } from "../../rib/index.ts";
import { LABEL_NAMESPACES, type LabelBook } from "./labels.ts";

/*
 * Large communities `GA:type:value`, GA being the AS of the router whose site it is.
 *
 *     0x53000001, 02   check octets: CapID[4:8], CapID[8:12]
 *     0x53000003       version: major u16, minor u16
 *     0x53000004       weight u16 (0: not said), score u4, state u4, instances u8 (255: or more)
 *     0x53000005       zero u16, latency class u8, cost class u8 (255: not said)
 *     0x53000006 + n   labels of namespace n, one bit each; n is 0 to 9
 *     0x53000010       end of the lease, in minutes since the Unix epoch, rounded down
 *     0x53000020, 21   first 8 octets of the SHA-256 of the attestation
 *     0x53000030 .. 33 locator of the site: where its tunnel ends
 *
 * @see DESIGN section 4.5; RFC 8092 §3
 */
const CHECK = 0x53000001;
const VERSION = 0x53000003;
const METRIC = 0x53000004;
const CLASSES = 0x53000005;
const LABELS = 0x53000006;
const LEASE = 0x53000010;
const ATTESTATION = 0x53000020;
const LOCATOR = 0x53000030;
const FIRST = 0x53000000;
const LAST = 0x530000ff;

const STATES: readonly SiteState[] = ["up", "degraded", "draining", "down"];
const MOST_INSTANCES = 0xff;
const HEAVIEST = 0xffff;
const BEST_SCORE = 10;
const MOST_CLASS = 15;
const NOT_SAID = 0xff;

/** What the communities of one route say. Members that are not there were not said, or were lost. */
export interface SiteWords {
  /** CapID[4:12]. */
  readonly check?: Uint8Array;
  readonly version?: { readonly major: number; readonly minor: number };
  readonly metric?: {
    readonly weight?: number;
    readonly score: number;
    readonly state: SiteState;
    readonly count: number;
  };
  readonly classes?: { readonly latencyClass?: number; readonly costClass?: number };
  /** Absent when there is no label community at all. */
  readonly labels?: readonly string[];
  readonly validUntil?: Seconds;
  /** 8 octets. */
  readonly attestation?: Uint8Array;
  readonly locator?: Ipv6Address;
}

/** What a site's route has to say, before it is words. */
export interface SiteFacts {
  readonly capabilityId: Uint8Array;
  /** Where the attribute does not say it. */
  readonly majorVersion: number;
  readonly semantic: SemanticAttribute;
  readonly weight: number | undefined;
  readonly locator: Ipv6Address;
  /** First 8 octets of the digest of the attestation. */
  readonly attestation: Uint8Array | undefined;
}

/** Whether a large community is one of these. */
export function isSiteWord({ data1 }: LargeCommunity): boolean {
  return data1 >= FIRST && data1 <= LAST;
}

export function encodeSiteWords(facts: SiteFacts, globalAdministrator: number, labels: LabelBook): LargeCommunity[] {
  const { semantic, capabilityId, locator, attestation } = facts;
  const words: LargeCommunity[] = [];
  const say = (data1: number, data2: number): void => {
    words.push({ globalAdministrator, data1, data2: data2 >>> 0 });
  };
  const sayOctets = (first: number, octets: Uint8Array): void => {
    for (let at = 0; at < octets.length; at += 4) say(first + at / 4, u32At(octets, at));
  };
  sayOctets(CHECK, capabilityId.subarray(4, 12));
  const { version = { major: facts.majorVersion, minor: 0 }, latencyClass, costClass } = semantic;
  say(VERSION, (version.major << 16) | version.minor);
  const count = Math.min(semantic.aggregate?.count ?? 0, MOST_INSTANCES);
  const weight = Math.min(Math.max(0, Math.round(facts.weight ?? 0)), HEAVIEST);
  say(METRIC, (weight << 16) | (semantic.score << 12) | (STATES.indexOf(semantic.state) << 8) | count);
  if (latencyClass !== undefined || costClass !== undefined) {
    say(CLASSES, ((latencyClass ?? NOT_SAID) << 8) | (costClass ?? NOT_SAID));
  }
  for (const [namespace, bitmap] of labels.bitmaps(semantic.labels.map(({ text }) => text)).entries()) {
    if (bitmap !== 0) say(LABELS + namespace, bitmap);
  }
  say(LEASE, Math.floor(semantic.lease.validUntil / 60));
  if (attestation !== undefined) sayOctets(ATTESTATION, attestation);
  sayOctets(LOCATOR, locator);
  return words;
}

/**
 * Reads them. Communities of another AS that look the same are not mixed in: the one that says the check octets is the
 * one that counts. Where there is none, or there are two, nothing was said: `undefined`, with the reason.
 */
export function decodeSiteWords(
  communities: readonly LargeCommunity[],
  labels: LabelBook,
): { readonly words: SiteWords; readonly globalAdministrator: number } | "no-check" | "ambiguous" {
  const said = communities.filter(isSiteWord);
  const speakers = new Set(said.filter(({ data1 }) => data1 === CHECK).map((word) => word.globalAdministrator));
  if (speakers.size !== 1) return speakers.size === 0 ? "no-check" : "ambiguous";
  const [globalAdministrator] = speakers as Set<number>;
  const values = new Map<number, number>();
  for (const word of said) {
    if (word.globalAdministrator !== globalAdministrator) continue;
    const known = values.get(word.data1);
    if (known !== undefined && known !== word.data2) return "ambiguous";
    values.set(word.data1, word.data2);
  }
  const check = octetsOf(values, CHECK, 2);
  if (check === undefined) return "no-check";
  const version = values.get(VERSION);
  const metric = metricOf(values.get(METRIC));
  const classes = classesOf(values.get(CLASSES));
  const texts = labelsOf(values, labels);
  const lease = values.get(LEASE);
  const attestation = octetsOf(values, ATTESTATION, 2);
  const locator = octetsOf(values, LOCATOR, 4);
  return {
    globalAdministrator: globalAdministrator!,
    words: {
      check,
      ...(version === undefined ? {} : { version: { major: version >>> 16, minor: version & 0xffff } }),
      ...(metric === undefined ? {} : { metric }),
      ...(classes === undefined ? {} : { classes }),
      ...(texts === undefined ? {} : { labels: texts }),
      ...(lease === undefined ? {} : { validUntil: seconds(60 * lease) }),
      ...(attestation === undefined ? {} : { attestation }),
      ...(locator === undefined ? {} : { locator }),
    },
  };
}

/** A score beyond the best is a metric that was malformed: the worst. @see DESIGN section 4.4 */
function metricOf(value: number | undefined): SiteWords["metric"] {
  if (value === undefined) return undefined;
  const weight = value >>> 16;
  const score = (value >>> 12) & 0xf;
  const state = STATES[(value >>> 8) & 0xf];
  return {
    ...(weight === 0 ? {} : { weight }),
    score: score > BEST_SCORE ? 0 : score,
    // What this router cannot read must not make a site look better than it is.
    state: state ?? "down",
    count: value & 0xff,
  };
}

function classesOf(value: number | undefined): SiteWords["classes"] {
  if (value === undefined) return undefined;
  const [latencyClass, costClass] = [(value >>> 8) & 0xff, value & 0xff];
  return {
    ...(latencyClass > MOST_CLASS ? {} : { latencyClass }),
    ...(costClass > MOST_CLASS ? {} : { costClass }),
  };
}

function labelsOf(values: ReadonlyMap<number, number>, book: LabelBook): readonly string[] | undefined {
  let found: string[] | undefined;
  for (let namespace = 0; namespace < LABEL_NAMESPACES; namespace++) {
    const bitmap = values.get(LABELS + namespace);
    if (bitmap !== undefined) found = [...(found ?? []), ...book.labels(namespace, bitmap)];
  }
  return found;
}

/** `count` consecutive values as octets; `undefined` unless all of them are there. */
function octetsOf(values: ReadonlyMap<number, number>, first: number, count: number): Uint8Array | undefined {
  const octets = new Uint8Array(4 * count);
  const view = new DataView(octets.buffer);
  for (let i = 0; i < count; i++) {
    const value = values.get(first + i);
    if (value === undefined) return undefined;
    view.setUint32(4 * i, value);
  }
  return octets;
}

function u32At(octets: Uint8Array, at: number): number {
  return (octets[at]! << 24) | (octets[at + 1]! << 16) | (octets[at + 2]! << 8) | octets[at + 3]!;
}

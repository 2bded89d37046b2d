import { capabilityLabels, type Ipv6Address, type Seconds } from "../base/index.ts";
import type { Taxonomy } from "../directory/index.ts";
import { CLASS_IN, type DnsQuestion, RecordType } from "./dns-query.ts";

export interface ZoneOptions {
  /** How long a resolver may keep an address. Long is right: the address belongs to the capability, not to an instance. */
  readonly ttl: Seconds;
  /** Host name of this server, for SOA and NS. */
  readonly nameServer: string;
}

export const Rcode = { NOERROR: 0, FORMERR: 1, NXDOMAIN: 3, NOTIMP: 4, REFUSED: 5, BADVERS: 16 } as const;
export type RcodeName = keyof typeof Rcode;

/** What is said about one question; `apex` is the zone whose SOA or NS is meant. */
export type DnsAnswer =
  | { readonly rcode: "REFUSED" }
  | { readonly rcode: "NXDOMAIN"; readonly apex: string }
  | { readonly rcode: "NOERROR"; readonly type: "nodata" | "soa" | "ns"; readonly apex: string }
  | { readonly rcode: "NOERROR"; readonly type: "address"; readonly address: Ipv6Address }
  | { readonly rcode: "NOERROR"; readonly type: "ipv4-address"; readonly address: number };

/** A name in the zone: with an address, or an empty non-terminal. */
interface Node {
  readonly address?: Ipv6Address;
  /** For those behind this router that know no IPv6. */
  readonly ipv4Address?: number;
}

interface Zone {
  readonly apex: string;
  readonly nodes: ReadonlyMap<string, Node>;
}

/**
 * The zones `cap.<tenant>.<dns zone>` of all tenants, computed from the taxonomy.
 *
 * A name that the taxonomy knows has an address whether or not anybody serves it: a negative answer would be cached and
 * delay the recovery of the first instance.
 * @see RFC 2308 (negative caching); RFC 8020 (NXDOMAIN means nothing below); RFC 4592 §2.2.2 (empty non-terminals)
 */
export class CapabilityZones {
  readonly #zones = new Map<string, Zone>();

  constructor(taxonomy: Taxonomy) {
    for (const tenant of taxonomy.tenants.keys()) {
      const apex = `cap.${tenant}.${taxonomy.dnsZone}`.toLowerCase();
      const nodes = new Map<string, Node>([["", {}]]);
      for (const { name } of taxonomy.capabilities) {
        const labels = capabilityLabels(name).toReversed();
        for (let i = 1; i < labels.length; i++) {
          const above = labels.slice(i).join(".");
          if (!nodes.has(above)) nodes.set(above, {});
        }
        const { majorVersion } = taxonomy.plain(name)!;
        const ipv4Address = taxonomy.ipv4Address(tenant, name, majorVersion);
        const address = taxonomy.address(tenant, name, majorVersion)!;
        nodes.set(labels.join("."), { address, ...(ipv4Address === undefined ? {} : { ipv4Address }) });
      }
      this.#zones.set(apex, { apex, nodes });
    }
  }

  /** Apexes, without a final dot. */
  apexes(): Iterable<string> {
    return this.#zones.keys();
  }

  answer(question: DnsQuestion): DnsAnswer {
    if (question.class !== CLASS_IN) return { rcode: "REFUSED" };
    if (question.type === RecordType.AXFR || question.type === RecordType.IXFR) return { rcode: "REFUSED" };
    const labels = question.labels.map(labelText);
    for (let cut = 0; cut < labels.length; cut++) {
      const zone = this.#zones.get(labels.slice(cut).join("."));
      if (zone !== undefined) return answerIn(zone, labels.slice(0, cut).join("."), question.type);
    }
    return { rcode: "REFUSED" };
  }
}

function answerIn({ apex, nodes }: Zone, name: string, type: number): DnsAnswer {
  const node = nodes.get(name);
  if (node === undefined) return { rcode: "NXDOMAIN", apex };
  const any = type === RecordType.ANY; // one RRset is enough: RFC 8482 §4.1
  if (name === "" && (type === RecordType.SOA || any)) return { rcode: "NOERROR", type: "soa", apex };
  if (name === "" && type === RecordType.NS) return { rcode: "NOERROR", type: "ns", apex };
  if (node.address !== undefined && (type === RecordType.AAAA || any)) {
    return { rcode: "NOERROR", type: "address", address: node.address };
  }
  if (node.ipv4Address !== undefined && type === RecordType.A)
    return { rcode: "NOERROR", type: "ipv4-address", address: node.ipv4Address };
  return { rcode: "NOERROR", type: "nodata", apex };
}

/** A label as lower-case text in which nothing but a label of the same octets reads the same. @see RFC 4343 §2.1 */
function labelText(label: Uint8Array): string {
  let text = "";
  for (const octet of label) {
    const lower = octet >= 0x41 && octet <= 0x5a ? octet | 0x20 : octet;
    const plain =
      (lower >= 0x61 && lower <= 0x7a) || (lower >= 0x30 && lower <= 0x39) || lower === 0x2d || lower === 0x5f;
    text += plain ? String.fromCharCode(lower) : `\\${String(octet).padStart(3, "0")}`;
  }
  return text;
}

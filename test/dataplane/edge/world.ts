import { type BpfMap, loadNative } from "../../../native/index.ts";
import { fromHex, parseIpv6Prefix, toHex } from "../../../src/base/index.ts";
import {
  EDGE,
  EDGE_VERDICTS,
  type EdgeVerdict,
  GUEST,
  POOL,
  POOL_KIND,
  PROGRAMS,
  RETURN,
} from "../../../src/dataplane/abi.ts";
import type { EdgeState, Guest, Pool } from "../../../src/dataplane/memory/edge/index.ts";
import { returnKey } from "../../../src/dataplane/memory/flow-key.ts";
import type { WayBack } from "../../../src/dataplane/memory/outcome.ts";
import { Bench } from "../pass/bench.ts";
import { address } from "../pass/world.ts";
import { ipv4Number, ipv4Octets } from "./frames.ts";

export const TENANT = 7;
export const LOCATOR = address("2001:db8:b:1::1");
export const DOMAIN = parseIpv6Prefix("2001:db8:cab::/48")!;
export const PREFIX = address("2001:db8:b:64::").subarray(0, 12);
export const CAPABILITY = address("2001:db8:cab:7:1:aaaa:1:0");
export const OTHER_CAPABILITY = address("2001:db8:cab:7:1:aaaa:2:0");
/** Has no IPv4 address. */
export const NAMELESS = address("2001:db8:cab:7:1:aaaa:3:0");
export const CLIENT = address("2001:db8:a:c::10");
export const SECOND_CLIENT = address("2001:db8:a:c::11");
export const AGENT = address("2001:db8:a:9::1");

export const V4 = {
  client: ipv4Number("10.1.0.10"),
  agent: ipv4Number("10.2.0.10"),
  capability: ipv4Number("198.18.0.5"),
  other: ipv4Number("198.18.0.6"),
  nobody: ipv4Number("198.18.0.9"),
  guest: ipv4Number("198.19.0.1"),
} as const;
export const POOLS: readonly Pool[] = [
  { kind: "capabilities", first: ipv4Number("198.18.0.0"), length: 28, tenantIndex: TENANT },
  { kind: "guests", first: ipv4Number("198.19.0.0"), length: 30, tenantIndex: 0 },
];
export const GUESTS = { first: ipv4Number("198.19.0.0"), count: 4 };

export const inOurPrefix = (ipv4: number): Uint8Array => {
  const octets = new Uint8Array(16);
  octets.set(PREFIX);
  octets.set(ipv4Octets(ipv4), 12);
  return octets;
};

/** Flows that the pass remembers: agent and client, with their ports. */
export const FLOWS = [
  { agent: AGENT, client: CLIENT, agentPort: 8080, clientPort: 4000, protocol: 6 },
  { agent: AGENT, client: CLIENT, agentPort: 5353, clientPort: 4000, protocol: 17 },
  { agent: inOurPrefix(V4.agent), client: CLIENT, agentPort: 8080, clientPort: 4000, protocol: 6 },
  { agent: inOurPrefix(V4.agent), client: SECOND_CLIENT, agentPort: 5353, clientPort: 4000, protocol: 17 },
  { agent: inOurPrefix(V4.agent), client: inOurPrefix(V4.client), agentPort: 8080, clientPort: 4000, protocol: 6 },
  { agent: AGENT, client: AGENT, agentPort: 8080, clientPort: 4000, protocol: 6 },
  { agent: AGENT, client: AGENT, agentPort: 5353, clientPort: 4000, protocol: 17 },
  { agent: AGENT, client: inOurPrefix(V4.client), agentPort: 8080, clientPort: 4000, protocol: 6 },
] as const;

const WAY: WayBack = { address: CAPABILITY, port: 80, closed: 0, seen: 0 } as WayBack;
const keyOf = (flow: (typeof FLOWS)[number]): string =>
  returnKey(
    { address: flow.agent, port: flow.agentPort },
    { address: flow.client, port: flow.clientPort },
    flow.protocol,
  );

/** The model's tables; `guests` and `fragments` are its own to change. */
export class Model {
  readonly guests = new Map<number, Guest>();
  readonly fragments = new Set<string>();
  readonly state: EdgeState;

  constructor() {
    this.state = {
      ...{ domain: DOMAIN, locator: LOCATOR, prefix: PREFIX, pools: POOLS, now: 0 },
      ...{ firstGuest: GUESTS.first, guestCount: GUESTS.count, guests: this.guests, fragments: this.fragments },
      capabilityOf: new Map([
        [V4.capability, CAPABILITY],
        [V4.other, OTHER_CAPABILITY],
      ]),
      addressOf: new Map([
        [toHex(CAPABILITY), V4.capability],
        [toHex(OTHER_CAPABILITY), V4.other],
      ]),
      returns: new Map(FLOWS.map((flow) => [keyOf(flow), WAY])),
    };
  }
}

/** The kernel's side of the same tables, and packets through BPF_PROG_RUN with the loopback as their port. */
export class Programs implements Disposable {
  readonly bench: Bench;

  private constructor(bench: Bench) {
    this.bench = bench;
  }

  static async load(): Promise<Programs> {
    const bench = await Bench.load({ domain: DOMAIN.address.slice(0, 6), locator: LOCATOR });
    const programs = new Programs(bench);
    const edge = bench.entry("edge", 0, EDGE.size);
    for (const [i, octet] of PREFIX.entries()) edge.setUint8(i, octet);
    edge.setUint32(EDGE.offsets.first_guest, GUESTS.first, true);
    edge.setUint32(EDGE.offsets.guests, GUESTS.count, true);
    edge.setUint32(EDGE.offsets.on, 1, true);
    for (const pool of POOLS) programs.#pool(pool);
    for (const [at, capability] of [
      [V4.capability, CAPABILITY],
      [V4.other, OTHER_CAPABILITY],
    ] as const) {
      const slot = bench.entry("pool_slots", at - POOLS[0]!.first, 16);
      for (const [i, octet] of capability.entries()) slot.setUint8(i, octet);
      bench.map("pool_addresses").update(capability, ipv4Octets(at));
    }
    const value = new Uint8Array(RETURN.size);
    value.set(CAPABILITY);
    value[RETURN.offsets.capability_port + 1] = 80;
    for (const flow of FLOWS) bench.map("returns").update(fromHex(keyOf(flow)), value);
    return programs;
  }

  [Symbol.dispose](): void {
    this.bench[Symbol.dispose]();
  }

  #pool({ kind, first, length, tenantIndex }: Pool): void {
    const key = new Uint8Array(8);
    new DataView(key.buffer).setUint32(0, length, true);
    key.set(ipv4Octets(first), 4);
    const value = new Uint8Array(POOL.size);
    const view = new DataView(value.buffer);
    view.setUint32(POOL.offsets.kind, POOL_KIND[kind], true);
    view.setUint32(POOL.offsets.base, first, true);
    view.setUint16(POOL.offsets.tenant, tenantIndex);
    this.bench.map("pools").update(key, value);
  }

  reset(): void {
    for (const name of ["guests", "fragments"]) {
      const map = this.bench.map(name);
      for (let key = map.nextKey(); key !== undefined; key = map.nextKey()) map.delete(key);
    }
  }

  setGuest(at: number, client: Uint8Array, seen: number): void {
    const value = new Uint8Array(GUEST.size);
    value.set(client);
    new DataView(value.buffer).setUint32(GUEST.offsets.seen, seen, true);
    this.bench.map("guests").update(ipv4Octets(at), value);
  }

  /** Who has which address: `198.19.0.1` as a number → the client in hex. */
  guests(): Map<number, string> {
    return new Map(
      entriesOf(this.bench.map("guests")).map(([key, value]) => [
        new DataView(key.buffer, key.byteOffset).getUint32(0),
        toHex(value.subarray(0, 16)),
      ]),
    );
  }

  fragments(): Set<string> {
    return new Set(entriesOf(this.bench.map("fragments")).map(([key]) => toHex(key.subarray(0, 36))));
  }

  run(
    place: "in" | "out",
    role: "core" | "client" | "agent",
    frame: Uint8Array,
  ): { readonly verdict: EdgeVerdict; readonly action: number; readonly frame: Uint8Array } {
    this.bench.port(1, role, TENANT);
    const before = this.#verdicts();
    const program = this.bench.object.programs.get(place === "in" ? PROGRAMS.edgeIn : PROGRAMS.edgeOut)!;
    const { returnValue, packet } = loadNative().bpf.testRun(program, frame);
    const after = this.#verdicts();
    const moved = EDGE_VERDICTS.filter((_, i) => after[i] !== before[i]);
    if (moved.length > 1) throw new Error(`one verdict for one frame, not ${moved}`);
    return { verdict: moved[0] ?? "edge-left-alone", action: returnValue, frame: packet };
  }

  #verdicts(): bigint[] {
    return this.bench.verdicts("edge_verdicts", EDGE_VERDICTS.length);
  }
}

function entriesOf(map: BpfMap): [Uint8Array, Uint8Array][] {
  const entries: [Uint8Array, Uint8Array][] = [];
  for (let key = map.nextKey(); key !== undefined; key = map.nextKey(key)) entries.push([key, map.lookup(key)!]);
  return entries;
}

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { type BpfMap, type BpfObject, type BpfProgram, loadNative } from "../../../native/index.ts";
import {
  CAPABILITY,
  CAPABILITY_LINE,
  CAPABILITY_PROBES,
  FLOW_KEY,
  GROUP,
  KIND,
  NEXT_HOP,
  NEXT_HOP_COUNTERS,
  NODE,
  PORT,
  PROGRAMS,
  ROLE,
  SPREAD,
  STATE,
  VERDICTS,
  type Verdict,
} from "../../../src/dataplane/abi.ts";
import { capabilityHome, flowHash } from "../../../src/dataplane/hashes.ts";
import { EncapsulationTable } from "../../../src/dataplane/kernel/encapsulation-table.ts";
import type { Affinity, Encapsulation } from "../../../src/forwarding/index.ts";
import { lentObject } from "./object-pool.ts";

export type Hook = "xdp" | "tc";
export const HOOKS: readonly Hook[] = ["xdp", "tc"];
export const OBJECT = join(import.meta.dirname, "../../../build/dataplane/semr.bpf.o");

/** What the hooks return. */
export const XDP = { drop: 1, pass: 2, tx: 3, redirect: 4 } as const;
export const TC = { unspec: -1, ok: 0, shot: 2, redirect: 7 } as const;

/** Why the pass cannot be loaded here, `undefined` when it can. */
export function whyNoPass(): string | undefined {
  if (!existsSync(OBJECT)) return `${OBJECT} is missing: run npm run setup`;
  try {
    const { usable, reason } = loadNative().bpf.probe();
    return usable ? undefined : reason;
  } catch (cause) {
    return cause instanceof Error ? cause.message : String(cause);
  }
}

export interface BenchOptions {
  readonly domain: Uint8Array;
  readonly locator: Uint8Array;
  readonly seed?: number;
  readonly tunnelMtu?: number;
  readonly answersPerSecond?: number;
  readonly answersBurst?: number;
  readonly beginningsPerSecond?: number;
  readonly lines?: number;
  readonly maxEntries?: Readonly<Record<string, number>>;
  /** Default: the pass as built. */
  readonly object?: string;
}

export interface Outcome {
  readonly verdict: Verdict;
  readonly action: number;
  /** The frame as the program left it. */
  readonly frame: Uint8Array;
  /** The same without its Ethernet header. */
  readonly packet: Uint8Array;
}

export interface InstanceText {
  readonly address: Uint8Array;
  readonly port: number;
  readonly servicePort: number;
  readonly protocol?: number;
}

function word(value: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(value).buffer);
}

/** The pass with its tables, written octet by octet after abi.ts: one program object, both hooks. */
export class Bench implements Disposable {
  readonly object: BpfObject;
  readonly options: BenchOptions;
  readonly #tables = new Map<string, Uint8Array>();
  readonly #lines: number;
  readonly #end: Disposable;
  #encapsulations: EncapsulationTable | undefined;

  private constructor(object: BpfObject, end: Disposable, options: BenchOptions, lines: number) {
    this.object = object;
    this.#end = end;
    this.options = options;
    this.#lines = lines;
  }

  static async load(options: BenchOptions): Promise<Bench> {
    const lines = options.lines ?? 64;
    const wanted = {
      constants: {
        semr_domain: options.domain,
        semr_locator: options.locator,
        semr_hash_seed: word(options.seed ?? 1),
        semr_capability_mask: word(lines - 1),
        semr_tunnel_mtu: word(options.tunnelMtu ?? 1500),
        semr_answers_per_second: word(options.answersPerSecond ?? 1_000_000),
        semr_answers_burst: word(options.answersBurst ?? 1_000_000),
        semr_beginnings_per_second: word(options.beginningsPerSecond ?? 1_000_000),
        semr_tick: word(loadNative().bpf.tickNanoseconds()),
      },
      maxEntries: {
        capabilities: lines,
        ports: 256,
        flows: 4096,
        returns: 4096,
        transitions: 4096,
        // The kernel makes its buckets one by one
        allowed: 4096,
        ...options.maxEntries,
      },
    };
    if (options.object === undefined && options.maxEntries === undefined) {
      const lent = await lentObject(OBJECT, wanted);
      return new Bench(lent.object, lent, options, lines);
    }
    // How full a table is when it is full depends on what it was before: such a one is always new.
    const object = await loadNative().bpf.load(options.object ?? OBJECT, wanted);
    return new Bench(object, object, options, lines);
  }

  [Symbol.dispose](): void {
    this.#end[Symbol.dispose]();
  }

  map(name: string): BpfMap {
    const map = this.object.maps.get(name);
    assert.ok(map !== undefined, `the object has no map ${name}`);
    return map;
  }

  program(hook: Hook): BpfProgram {
    const program = this.object.programs.get(PROGRAMS[hook]);
    assert.ok(program !== undefined, `the object has no program ${PROGRAMS[hook]}`);
    return program;
  }

  /** A view of entry `index` of an mmapped array. */
  entry(name: string, index: number, size: number): DataView {
    let octets = this.#tables.get(name);
    if (octets === undefined) {
      octets = this.map(name).mmap();
      this.#tables.set(name, octets);
    }
    return new DataView(octets.buffer, octets.byteOffset + index * Math.ceil(size / 8) * 8, size);
  }

  port(ifindex: number, role: keyof typeof ROLE, tenant = 0, flags = 0): void {
    const at = this.entry("ports", ifindex, PORT.size);
    at.setUint16(PORT.offsets.role, ROLE[role], true);
    at.setUint16(PORT.offsets.flags, flags, true);
    at.setUint16(PORT.offsets.tenant, tenant);
  }

  #nextHop(index: number, kind: number, address: Uint8Array, write: (at: DataView) => void): void {
    const at = this.entry("next_hops", index, NEXT_HOP.size);
    at.setUint32(NEXT_HOP.offsets.state, STATE.down, true);
    at.setUint32(NEXT_HOP.offsets.kind, kind, true);
    for (const [i, octet] of address.entries()) at.setUint8(NEXT_HOP.offsets.address + i, octet);
    write(at);
    const generation = at.getUint32(NEXT_HOP.offsets.generation, true);
    at.setUint32(NEXT_HOP.offsets.generation, generation + 1, true);
    at.setUint32(NEXT_HOP.offsets.state, STATE.up, true);
  }

  tunnel(index: number, locator: Uint8Array, encapsulation?: Encapsulation): void {
    this.#encapsulations ??= new EncapsulationTable(this.map("encapsulations").mmap());
    const wrapping = encapsulation === undefined ? 0 : this.#encapsulations.add(encapsulation, locator);
    this.#nextHop(index, KIND.tunnel, locator, (at) => at.setUint32(NEXT_HOP.offsets.encapsulation, wrapping, true));
  }

  local(index: number): void {
    this.#nextHop(index, KIND.local, new Uint8Array(16), () => {});
  }

  instance(index: number, text: InstanceText): void {
    this.#nextHop(index, KIND.instance, text.address, (at) => {
      at.setUint16(NEXT_HOP.offsets.port, text.port);
      at.setUint16(NEXT_HOP.offsets.service_port, text.servicePort);
      at.setUint8(NEXT_HOP.offsets.protocol, text.protocol ?? 6);
    });
  }

  state(index: number, state: keyof typeof STATE): void {
    this.entry("next_hops", index, NEXT_HOP.size).setUint32(NEXT_HOP.offsets.state, STATE[state], true);
  }

  /** All 64 slots; `owners` repeat. A pair is [current, previous]. */
  group(index: number, owners: readonly (number | readonly [number, number])[], backup = 0): void {
    const at = this.entry("groups", index, GROUP.size);
    for (let slot = 0; slot < 64; slot++) {
      const owner = owners[slot % owners.length]!;
      const [current, previous] = typeof owner === "number" ? [owner, owner] : owner;
      at.setUint32(slot * 4, current | (previous << 16), true);
    }
    at.setUint16(GROUP.offsets.backup, backup, true);
  }

  capability(address: Uint8Array, group: number, localGroup = 0, affinity?: Affinity): void {
    const mask = this.#lines - 1;
    const home = capabilityHome(address, mask);
    for (let probe = 0; probe < CAPABILITY_PROBES; probe++)
      for (let slot = 0; slot < 2; slot++) {
        const line = this.entry("capabilities", (home + probe) & mask, CAPABILITY_LINE.size);
        const base = slot * CAPABILITY.size;
        const key = line.getBigUint64(base, true);
        if (key !== 0n && key !== 0xffff_ffff_ffff_ffffn) continue;
        line.setUint16(base + CAPABILITY.offsets.selector, (address[14]! << 8) | address[15]!);
        line.setUint8(base + CAPABILITY.offsets.flags, affinity === undefined ? 0 : SPREAD[affinity]);
        line.setUint32(base + CAPABILITY.offsets.group, group, true);
        line.setUint32(base + CAPABILITY.offsets.local_group, localGroup, true);
        for (let i = 0; i < 8; i++) line.setUint8(base + i, address[6 + i]!);
        return;
      }
    assert.fail("the capability table is full");
  }

  node(locator: Uint8Array, vni = 0): void {
    const value = new Uint8Array(NODE.size);
    value.set(word(vni), NODE.offsets.vni);
    this.map("nodes").update(locator, value);
  }

  /** Runs one frame through a hook as if it came from `ifindex`. */
  run(hook: Hook, frame: Uint8Array, ifindex = 1, options: { readonly gsoSize?: number } = {}): Outcome {
    const before = this.verdicts();
    const result = loadNative().bpf.testRun(
      this.program(hook),
      frame,
      ifindex === 1 ? options : { ...options, ifindex },
    );
    const after = this.verdicts();
    const moved = VERDICTS.filter((_, i) => after[i] !== before[i]);
    assert.equal(moved.length, 1, `one verdict for one frame, not ${moved}`);
    const counted = VERDICTS.indexOf(moved[0]!);
    assert.equal(after[counted]! - before[counted]!, 1n);
    return { verdict: moved[0]!, action: result.returnValue, frame: result.packet, packet: result.packet.subarray(14) };
  }

  verdicts(map = "verdicts", count: number = VERDICTS.length): bigint[] {
    return Array.from({ length: count }, (_, i) => this.#sum(map, i, 8, 0));
  }

  counters(nextHop: number): Record<"packets" | "octets" | "flows" | "answered" | "refused", bigint> {
    const read = (offset: number) => this.#sum("next_hop_counters", nextHop, NEXT_HOP_COUNTERS.size, offset);
    const { packets, octets, flows, answered, refused } = NEXT_HOP_COUNTERS.offsets;
    return {
      ...{ packets: read(packets), octets: read(octets), flows: read(flows) },
      ...{ answered: read(answered), refused: read(refused) },
    };
  }

  #sum(name: string, index: number, size: number, offset: number): bigint {
    const octets = this.map(name).lookup(word(index))!;
    const view = new DataView(octets.buffer, octets.byteOffset, octets.length);
    let sum = 0n;
    for (let at = offset; at < octets.length; at += size) sum += view.getBigUint64(at, true);
    return sum;
  }

  /** The hash of the flow a packet belongs to, and the slots it falls into. */
  slots(packet: Uint8Array): { readonly hash: number; readonly site: number; readonly local: number } {
    const key = new Uint8Array(FLOW_KEY.size);
    key.set(packet.subarray(8, 40));
    if (packet[6] === 6 || packet[6] === 17) key.set(packet.subarray(40, 44), FLOW_KEY.offsets.client_port);
    key[FLOW_KEY.offsets.protocol] = packet[6]!;
    const hash = flowHash(key, this.options.seed ?? 1);
    return { hash, site: hash & 63, local: (hash >>> 6) & 63 };
  }
}

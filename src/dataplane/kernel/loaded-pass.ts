import { join } from "node:path";
import type { Bpf, BpfMap, BpfObject, BpfProgram } from "../../../native/index.ts";
import { messageOf } from "../../base/index.ts";
import { type CONSTANTS, MAPS } from "../abi.ts";
import type { DataplaneOptions } from "../driver.ts";
import { DataplaneError } from "../error.ts";
import type { TableSizes } from "../sizes.ts";
import { AggregateMap } from "./aggregate-map.ts";
import { AllowedMap } from "./allowed-map.ts";
import { encapsulationEntries } from "./encapsulation-table.ts";
import { NodeMap } from "./node-map.ts";
import type { KernelNeeds } from "./probe.ts";
import { KernelTables } from "./tables.ts";

/** ICMPv6 errors per processor. @see RFC 4443 §2.4 (f) */
const ANSWERS_PER_SECOND = 1000;
const ANSWERS_BURST = 100;
/** Entries of `transitions`, and how long one is there at least while new flows come without end. */
const TRANSITIONS = 65_536;
const REMEMBERED_SECONDS = 60;

/** Where the tables are, or come to be. */
export interface LoadFolders {
  readonly maps: string;
  readonly sizes: TableSizes;
  /** Tables of another layout: those that are the same in both are shared. */
  readonly former?: string | undefined;
}

/** @throws {DataplaneError} `dataplane.unsupported-kernel` */
export async function loadPass(
  options: DataplaneOptions,
  { native, objectPath }: KernelNeeds,
  { maps, sizes, former }: LoadFolders,
): Promise<BpfObject> {
  const pinsIn = (folder: string) => Object.fromEntries(Object.keys(MAPS).map((name) => [name, join(folder, name)]));
  try {
    return await native.bpf.load(objectPath, {
      constants: constantsOf(options, sizes, native.bpf),
      maxEntries: {
        capabilities: sizes.capabilityLines,
        groups: sizes.groups,
        next_hops: sizes.nextHops,
        next_hop_counters: sizes.nextHops,
        encapsulations: encapsulationEntries(sizes.encapsulations),
        nodes: sizes.nodes,
        policies: sizes.policies,
        meters: sizes.policies,
        policy_uses: sizes.policies,
        allowed: sizes.allowed,
        sources: sizes.sources,
        aggregates: sizes.aggregates,
      },
      pins: pinsIn(maps),
      ...(former === undefined ? {} : { inherit: pinsIn(former) }),
    });
  } catch (cause) {
    // What is looked for by its name and is not there: the object is of other sources than this program.
    const isOther = (cause as NodeJS.ErrnoException).code === "ENOENT";
    const advice = isOther ? "; npm run setup builds it for this program" : "";
    throw new DataplaneError(
      { code: "dataplane.unsupported-kernel" },
      `the kernel does not load the pass ${objectPath}: ${messageOf(cause)}${advice}`,
      { cause },
    );
  }
}

function constantsOf(
  options: DataplaneOptions,
  sizes: TableSizes,
  bpf: Bpf,
): Record<keyof typeof CONSTANTS, Uint8Array> {
  return {
    semr_domain: options.domain.address.slice(0, 6),
    semr_locator: options.locator,
    semr_hash_seed: hostU32(options.hashSeed),
    semr_capability_mask: hostU32(sizes.capabilityLines - 1),
    semr_tunnel_mtu: hostU32(options.tunnelMtu),
    semr_answers_per_second: hostU32(ANSWERS_PER_SECOND),
    semr_answers_burst: hostU32(ANSWERS_BURST),
    semr_beginnings_per_second: hostU32(
      Math.max(1, Math.floor(TRANSITIONS / (REMEMBERED_SECONDS * bpf.possibleCpus()))),
    ),
    semr_tick: hostU32(bpf.tickNanoseconds()),
  };
}

function hostU32(value: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(value).buffer);
}

/** The tables in its maps, with what an earlier process has left there. */
export async function tablesIn(
  object: BpfObject,
  options: DataplaneOptions,
  sizes: TableSizes,
  bpf: Bpf,
): Promise<KernelTables> {
  const memory = {
    capabilities: await mapOf(object, "capabilities").mapped(),
    fillCapabilities: bpf.fillCapabilities,
    groups: await mapOf(object, "groups").mapped(),
    nextHops: await mapOf(object, "next_hops").mapped(),
    encapsulations: await mapOf(object, "encapsulations").mapped(),
    nodes: new NodeMap(mapOf(object, "nodes")),
    aggregates: new AggregateMap(mapOf(object, "aggregates"), options.domain),
    policies: await mapOf(object, "policies").mapped(),
    meters: await mapOf(object, "meters").mapped(),
    allowed: new AllowedMap(mapOf(object, "allowed")),
    cpus: bpf.possibleCpus(),
  };
  return new KernelTables(memory, options.domain, sizes, options.maxCapabilities);
}

export function mapOf(object: BpfObject, name: keyof typeof MAPS): BpfMap {
  return anyMapOf(object, name);
}

export function anyMapOf(object: BpfObject, name: string): BpfMap {
  const map = object.maps.get(name);
  if (map === undefined) throw new Error(`the compiled pass has no map ${name}: run npm run setup`);
  return map;
}

export function programOf(object: BpfObject, name: string): BpfProgram {
  const program = object.programs.get(name);
  if (program === undefined) throw new Error(`the compiled pass has no program ${name}: run npm run setup`);
  return program;
}

/**
 * One router of the namespace test: runs inside its namespace, loads the pass, writes its tables and attaches it. Takes
 * its part as JSON in argv[2]; says `ready`, answers `verdicts`, and ends with its channel. It decides nothing.
 */
import { flushCompileCache } from "node:module";
import { type BpfLink, loadNative } from "../../../native/index.ts";
import { EDGE_VERDICTS, PORT_FLAG, PROGRAMS, VERDICTS } from "../../../src/dataplane/abi.ts";
import type { Affinity, Encapsulation } from "../../../src/forwarding/index.ts";
import { Bench, type Hook } from "./bench.ts";
import { UDP } from "./frames.ts";
import { address } from "./world.ts";

/** An encapsulation as JSON. */
export type Wrapping =
  | { readonly segments: readonly string[] }
  | { readonly vni: number; readonly destination: readonly number[] };

function encapsulationOf(wrapping: Wrapping): Encapsulation {
  if ("segments" in wrapping) return { kind: "segments", waypoints: wrapping.segments.map(address) };
  const { vni, destination } = wrapping;
  return { kind: "vxlan", vni, destination: Uint8Array.from(destination), source: Uint8Array.of(2, 0, 0, 0, 0, 1) };
}

export interface RouterPart {
  readonly locator: string;
  readonly tunnelMtu: number;
  readonly clamp: boolean;
  readonly ports: readonly {
    readonly interface: string;
    readonly role: "core" | "client" | "agent";
    readonly tenant: number;
    readonly hook: Hook;
  }[];
  readonly nodes: readonly (readonly [locator: string, vni?: number])[];
  readonly tunnels: readonly (readonly [index: number, locator: string, wrapping?: Wrapping])[];
  readonly locals: readonly number[];
  readonly instances: readonly {
    readonly index: number;
    readonly address: string;
    readonly port: number;
    readonly servicePort: number;
    readonly udp: boolean;
  }[];
  readonly groups: readonly (readonly [index: number, owners: readonly number[]])[];
  readonly capabilities: readonly (readonly [
    address: string,
    group: number,
    localGroup: number,
    affinity?: Affinity,
  ])[];
}

async function main(part: RouterPart): Promise<void> {
  flushCompileCache(); // it is killed: nothing is kept then
  const { bpf, sock } = loadNative();
  const bench = await Bench.load({
    domain: address("2001:db8:cab::").slice(0, 6),
    locator: address(part.locator),
    tunnelMtu: part.tunnelMtu,
  });
  for (const [locator, vni] of part.nodes) bench.node(address(locator), vni);
  for (const [index, locator, wrapping] of part.tunnels)
    bench.tunnel(index, address(locator), wrapping && encapsulationOf(wrapping));
  for (const index of part.locals) bench.local(index);
  for (const { index, address: where, port, servicePort, udp } of part.instances)
    bench.instance(index, { address: address(where), port, servicePort, protocol: udp ? UDP : 6 });
  for (const [index, owners] of part.groups) bench.group(index, owners);
  for (const [where, group, localGroup, affinity] of part.capabilities)
    bench.capability(address(where), group, localGroup, affinity);
  // Whoever forgets a link takes its program off, when memory is next tidied up.
  const links: BpfLink[] = [];
  for (const { interface: name, role, tenant, hook } of part.ports) {
    const ifindex = sock.interfaceIndex(name);
    if (ifindex === undefined) throw new Error(`there is no ${name}`);
    bench.port(ifindex, role, tenant, (hook === "xdp" ? PORT_FLAG.partial : 0) | (part.clamp ? PORT_FLAG.clamp : 0));
    if (hook === "xdp") links.push(bpf.attachXdp(bench.program("xdp"), ifindex, "native"));
    else {
      links.push(bpf.attachTc(bench.program("tc"), ifindex));
      if (role !== "core")
        links.push(bpf.attachTc(bench.object.programs.get(PROGRAMS.edgeIn)!, ifindex, undefined, "before"));
    }
    links.push(bpf.attachTc(bench.object.programs.get(PROGRAMS.edgeOut)!, ifindex, undefined, "egress"));
  }
  process.on("message", () => {
    const counts = bench.verdicts().map((count, i) => [VERDICTS[i], Number(count)]);
    const edge = bench
      .verdicts("edge_verdicts", EDGE_VERDICTS.length)
      .map((count, i) => [EDGE_VERDICTS[i], Number(count)]);
    process.send!(Object.fromEntries([...counts, ...edge]));
  });
  process.on("disconnect", () => {
    for (const link of links) link[Symbol.dispose]();
    process.exit(0);
  });
  process.send!("ready");
}

if (process.argv[1] === import.meta.filename) await main(JSON.parse(process.argv[2]!) as RouterPart);

import { loadNative } from "../../../native/index.ts";
import type { KernelDataplane } from "../../../src/dataplane/index.ts";
import { GROUP_SLOTS, type Operation } from "../../../src/forwarding/index.ts";
import { type Row, single } from "./figures.ts";
import { makeSubject, runOnce, type Subject } from "./subject.ts";
import { capabilityAddress, mapOf, programOf, SOURCE, setClientPort, startFilled } from "./world.ts";

const LOOPBACK = 1;
const CAPABILITIES = 100;
const GROUPS = 10;
const TUNNELS = 16;
const FLOWS = 500;
const NEW_FLOWS = 1_000_000;
const FRAME = 94;
const SYN = 0x02;
const ACK = 0x10;
/** Of a frame that was encapsulated: where its tunnel ends. */
const OUTER_DESTINATION = [38, 54] as const;

/** Whether flows stay with their next hop while a million new ones arrive, with and without a change of owners. */
export async function measureAffinity(): Promise<Row[]> {
  const size = { capabilities: CAPABILITIES, groups: GROUPS, tunnels: TUNNELS };
  await using dataplane = await startFilled("affinity", size);
  setClientPort(mapOf(dataplane.object, "ports"), LOOPBACK, "itself");
  const program = programOf(dataplane.object, "semr_xdp");
  const traffic = { capabilities: CAPABILITIES, flows: 1, fresh: 1, tcp: "syn" } as const;
  const flood = await makeSubject("flood", "xdp", traffic, program, [4]);

  const early = sites(dataplane, 0, ACK);
  const steady = movedBy(flood, dataplane, 0, early);
  dataplane.apply(moveEverySlot(dataplane), 2);
  const late = sites(dataplane, FLOWS, SYN);
  const before = movedBy(flood, dataplane, 0, early);
  const since = moved(late, sites(dataplane, FLOWS, ACK));
  const of = `of ${FLOWS}, by ${NEW_FLOWS} new flows`;
  return [
    single("established flows moved, no slot in transition", "", steady, { most: 0 }, of),
    single("established flows moved, all slots in transition: begun before the change", "", before, { most: 0 }, of),
    single("the same, begun since the change and silent during the flood", "", since, { most: 0 }, of),
  ];
}

function movedBy(flood: Subject, dataplane: KernelDataplane, first: number, before: readonly string[]): number {
  runOnce(flood, NEW_FLOWS);
  return moved(before, sites(dataplane, first, ACK));
}

function moved(before: readonly string[], after: readonly string[]): number {
  return before.filter((site, at) => site !== after[at]).length;
}

/** Where the pass sends a TCP segment of each of FLOWS flows, from number `first` on. */
function sites({ object }: KernelDataplane, first: number, flags: number): string[] {
  const program = programOf(object, "semr_xdp");
  return Array.from({ length: FLOWS }, (_, at) => {
    const { packet } = loadNative().bpf.testRun(program, segment(first + at, flags));
    if (packet.length === FRAME) throw new Error(`flow ${first + at} was not encapsulated`);
    return Buffer.from(packet.subarray(...OUTER_DESTINATION)).toString("hex");
  });
}

function segment(flow: number, flags: number): Uint8Array {
  const frame = new Uint8Array(FRAME);
  const view = new DataView(frame.buffer);
  frame.set([0x86, 0xdd, 0x60], 12);
  view.setUint16(18, FRAME - 54);
  frame.set([6, 64], 20);
  frame.set(SOURCE, 22);
  view.setUint16(36, 1 + flow);
  frame.set(capabilityAddress(flow % CAPABILITIES), 38);
  view.setUint16(54, 40_000 + flow);
  view.setUint16(56, 443);
  frame.set([0x50, flags], 66);
  return frame;
}

/** Each slot goes to the tunnel after its owner's. */
function moveEverySlot(dataplane: KernelDataplane): Operation[] {
  return [...dataplane.snapshot().groups].map(([group, { slots, backup }]) => {
    const next = slots.map(({ current }, slot) => ({ slot, current: 1 + (current % TUNNELS), previous: current }));
    return { type: "set-slots", group, slots: next.slice(0, GROUP_SLOTS), backup };
  });
}

import { type BpfProgram, loadNative } from "../../../native/index.ts";
import { type Row, row } from "./figures.ts";
import { LiveFrames, type Place } from "./live.ts";
import { NETWORK, tunnelsBehind } from "./network.ts";
import { loadProgram } from "./programs.ts";
import { mapOf, programOf, setClientPort, startFilled } from "./world.ts";

const CAPABILITIES = 1000;
const FLOWS = 10_000;
/** What `send-frames` puts into one call: each waits for a grace period of RCU or two, which is no work. */
const FRAMES = 1 << 17;

interface Forwarder {
  readonly name: string;
  readonly program: BpfProgram;
  readonly ends: readonly Place[];
  readonly prepare?: () => void;
  readonly times: number[];
  lost: number;
}

/** Nanoseconds of the one processor that generates a frame, carries it over two veths, forwards and counts it. */
export async function measureLive(rounds: number): Promise<Row[]> {
  const { bpf, sock } = loadNative();
  const traffic = { capabilities: CAPABILITIES, flows: FLOWS };
  await using dataplane = await startFilled("live", traffic);
  using live = await LiveFrames.start("live", traffic);
  const arrival = sock.interfaceIndex(NETWORK.arrival)!;
  const pass = programOf(dataplane.object, "semr_xdp");
  const sends = (how: Parameters<typeof setClientPort>[2]) => () =>
    setClientPort(mapOf(dataplane.object, "ports"), arrival, how);
  const sinks: Place[] = ["first sink", "second sink"];
  const forwarder = (name: string, program: BpfProgram, ends: readonly Place[], prepare?: () => void): Forwarder => ({
    ...{ name, program, ends, times: [], lost: 0 },
    ...(prepare && { prepare }),
  });
  // the FIB forwarder is in the other object, whose flows nobody draws
  using yardstick = await loadProgram("prologue", traffic);
  const floor = forwarder("floor: dropped at the router", programOf(live.object, "floor_xdp"), ["dropped"]);
  const least = forwarder("floor: redirected without a look", programOf(live.object, "redirect_xdp"), sinks);
  const kernel = forwarder("kernel forwarding", programOf(live.object, "to_kernel"), sinks);
  const fib = forwarder("FIB forwarder", programOf(yardstick, "fib_xdp"), sinks);
  const itself = forwarder("pass, sends by itself", pass, sinks, sends("itself"));
  const stack = forwarder("pass, the stack sends (what the driver sets on veth)", pass, sinks, sends("by the stack"));
  const behindOne = forwarder("pass, sends by itself, all behind one link", pass, sinks, () => {
    tunnelsBehind("one");
    sends("itself")();
  });
  const all = [floor, least, kernel, fib, behindOne, itself, stack];

  const link = bpf.attachXdp(floor.program, arrival, "native");
  try {
    for (let round = 0; round <= rounds; round++)
      for (const one of round % 2 === 0 ? all : all.toReversed()) {
        tunnelsBehind("both");
        one.prepare?.();
        await link.update(one.program);
        const before = live.frames(...one.ends);
        const generated = live.frames("generated");
        const { had } = await live.send(FRAMES).done;
        const arrived = live.frames(...one.ends) - before;
        one.lost += live.frames("generated") - generated - arrived;
        if (round > 0) one.times.push(had / arrived);
      }
  } finally {
    link.detach();
  }
  // round by round, so that both were measured under the same load
  const faster = (one: Forwarder, than: Forwarder) => one.times.map((time, round) => than.times[round]! / time);
  return [
    ...all.map((one) => row(one.name, "ns", one.times, undefined, `lost ${one.lost} of ${(rounds + 1) * FRAMES}`)),
    row("kernel forwarding ÷ pass, one link as the kernel", "", faster(behindOne, kernel), { least: 2.5 }),
    row("kernel forwarding ÷ pass, two links", "", faster(itself, kernel)),
    row("kernel forwarding ÷ the floor, what can be reached here at most", "", faster(least, kernel)),
    row("FIB forwarder ÷ pass, one link as the FIB forwarder", "", faster(behindOne, fib)),
    row("kernel forwarding ÷ pass, the stack sends", "", faster(stack, kernel)),
  ];
}

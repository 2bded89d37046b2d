import assert from "node:assert/strict";
import fc from "fast-check";
import { type CapabilityName, formatIpv6, fromHex } from "../../../src/base/index.ts";
import { Protocol, TcpFlag } from "../../../src/dataplane/memory/packet.ts";
import type { NextHop, Operation, PlanSnapshot } from "../../../src/forwarding/index.ts";
import { feed, type Input, input } from "../../forwarding/inputs.ts";
import { CheckedSink, forwarding, locator, OWN, TRANSITION_END } from "../../forwarding/world.ts";
import { address, ethernet, ipv6, tcp } from "../memory/frames.ts";

/** Puts a frame in, at a client's port of tenant 1 or at a core port, and says what the pass made of it. */
export type Probe = (port: "client" | "core", frame: Uint8Array) => Uint8Array | undefined;

/** A data plane that carries one operation out at a time. */
export interface Stepped {
  apply(operations: readonly Operation[], generation: number): void;
  readonly probe: Probe;
}

const CLIENT = address("2001:db8:c::1");
const FLOWS = [1, 2, 3, 4, 5];
const SERVICE = 80;
const ROUTING = 43;

interface Packet {
  readonly name: string;
  readonly port: "client" | "core";
  readonly frame: Uint8Array;
}

/** Packets to an address: connections that begin, one that goes on, and one that comes through a tunnel. */
function packetsTo(key: string): readonly Packet[] {
  const destination = fromHex(key);
  const segment = (sourcePort: number, flags: number): Uint8Array =>
    tcp({ source: CLIENT, destination }, { sourcePort, destinationPort: SERVICE, flags });
  const text = formatIpv6(destination);
  return [
    ...FLOWS.map((flow) => ({
      name: `SYN ${flow} to ${text}`,
      port: "client" as const,
      frame: toPort(segment(1000 + flow * 37, TcpFlag.Syn)),
    })),
    { name: `ACK to ${text}`, port: "client", frame: toPort(segment(999, TcpFlag.Ack)) },
    {
      name: `SYN through a tunnel to ${text}`,
      port: "core",
      frame: toPort(ipv6({ source: locator(3), destination: OWN }, Protocol.Ipv6, segment(2000, TcpFlag.Syn))),
    },
  ];
}

/** To the hardware address of the loopback, where BPF_PROG_RUN puts frames in. */
const toPort = (packet: Uint8Array): Uint8Array => ethernet(packet).fill(0, 0, 6);

/** Who gets the packet, by the address that the frame goes to now; `refused` for an answer or nothing. */
function owner(frame: Uint8Array | undefined): string {
  if (frame === undefined || frame.length < 54) return "refused";
  const [source, destination] = [frame.subarray(22, 38), frame.subarray(38, 54)].map(formatIpv6) as [string, string];
  if (destination.startsWith("fd11:")) return `instance ${destination}`;
  if (source !== formatIpv6(OWN) || !destination.startsWith("2001:db8:ff:")) return "refused";
  // The last segment is the first in the list. @see RFC 8754 §2
  const isSegmented = frame[20] === ROUTING && frame.length >= 78;
  return `router ${isSegmented ? formatIpv6(frame.subarray(62, 78)) : destination}`;
}

/** Whom a plan lets serve the address that ends a packet's name: a choice of the site before and one of the instance after a step. */
function servers({ capabilities, groups, nextHops }: PlanSnapshot, name: string): ReadonlySet<string> {
  const text = name.slice(name.lastIndexOf(" ") + 1);
  const found = new Set<string>();
  for (const { address: of, group, localGroup } of capabilities.values()) {
    if (formatIpv6(of) !== text) continue;
    for (const index of [group, localGroup]) {
      const { slots = [], backup = 0 } = groups.get(index) ?? {};
      for (const hop of new Set([backup, ...slots.flatMap(({ current, previous }) => [current, previous])])) {
        const planned = nextHops.get(hop);
        if (planned !== undefined && planned.state !== "down") found.add(textOf(planned.nextHop));
      }
    }
  }
  return found;
}

function textOf(nextHop: NextHop): string {
  switch (nextHop.kind) {
    case "local":
      return "here";
    case "instance":
      return `instance ${formatIpv6(nextHop.address)}`;
    case "tunnel":
      return `router ${formatIpv6(nextHop.locator)}`;
  }
}

/** Hands every operation on alone, and sends all packets after each: who gets them now, who did before, who does in the end? */
class SteppedSink extends CheckedSink {
  readonly #stepped: Stepped;
  readonly #packets = new Map<string, readonly Packet[]>();
  #before = new Map<string, string>();
  steps = 0;
  probes = 0;

  constructor(stepped: Stepped) {
    super();
    this.#stepped = stepped;
  }

  override apply(operations: readonly Operation[], generation: number): void {
    const before = this.snapshot();
    super.apply(operations, generation);
    for (const operation of operations) if (operation.type === "set-capability") this.#know(operation.entry.address);
    const seen: Map<string, string>[] = [];
    for (const operation of operations) {
      this.#stepped.apply([operation], generation);
      seen.push(this.#send());
      this.steps++;
    }
    const after = seen.at(-1) ?? this.#before;
    const plans = [before, this.snapshot()];
    for (const [i, now] of seen.entries())
      for (const [name, who] of now) {
        const [old, next] = [this.#before.get(name) ?? "refused", after.get(name)];
        const isServed = who !== "refused" && plans.some((plan) => servers(plan, name).has(who));
        assert.ok(
          who === old || who === next || isServed,
          `after ${i + 1} of ${operations.length} (${operations[i]!.type}) ${name} goes to ${who}; before: ${old}, then: ${next}`,
        );
      }
    this.#before = after;
  }

  #know(capability: Uint8Array): void {
    const key = Buffer.from(capability).toString("hex");
    if (!this.#packets.has(key)) this.#packets.set(key, packetsTo(key));
  }

  #send(): Map<string, string> {
    const found = new Map<string, string>();
    for (const packets of this.#packets.values())
      for (const { name, port, frame } of packets) {
        found.set(name, owner(this.#stepped.probe(port, frame)));
        this.probes++;
      }
    return found;
  }
}

type Site = { readonly site: number; readonly weight: number; readonly as: "group" };
const choose = (name: string, ...numbers: readonly number[]): Input => {
  const sites = numbers.map((site): Site => ({ site, weight: 1, as: "group" }));
  return { type: "selection", name: name as CapabilityName, sites } as Input;
};
const wait: Input = { type: "wait", span: 0 };

/** What was wrong once. */
const FOUND: readonly { readonly name: string; readonly inputs: readonly Input[] }[] = [
  {
    name: "a capability moves here from another site as its first instance comes: the instance is there first",
    inputs: [
      choose("/audio/speech", 2),
      wait,
      { type: "instance", number: 2, weight: 1, state: "up" },
      choose("/audio/speech", 1),
      wait,
    ],
  },
  {
    name: "one of two capabilities that share a group loses its sites, the other moves: the group is not changed under the first",
    inputs: [
      choose("/vision/ocr", 3),
      choose("/vision/faces", 3),
      wait,
      choose("/vision/ocr"),
      choose("/vision/faces", 1),
      wait,
    ],
  },
];

async function play(inputs: readonly Input[], start: () => Promise<Stepped & AsyncDisposable>): Promise<SteppedSink> {
  await using stepped = await start();
  const sink = new SteppedSink(stepped);
  const router = forwarding({ sink });
  for (const each of inputs) feed(router, each);
  router.clock.settle();
  router.clock.advance(TRANSITION_END);
  return sink;
}

/**
 * Random routes, instances, states and times through the compiler: after each operation of each step every packet goes where the
 * plan before the step or the one after it sends it, or, as a site is chosen in one table and an instance in another, to somebody else that
 * one of them lets serve it; and none is refused that both serve.
 */
export async function everyStepIsSafe(
  start: () => Promise<Stepped & AsyncDisposable>,
  options: { readonly numRuns: number; readonly say: (text: string) => void },
): Promise<void> {
  const seed = Math.floor(Math.random() * 0x7fffffff);
  let [steps, probes] = [0, 0];
  for (const { inputs } of FOUND) await play(inputs, start);
  const property = fc.asyncProperty(fc.array(input, { minLength: 5, maxLength: 25 }), async (inputs) => {
    const sink = await play(inputs, start);
    steps += sink.steps;
    probes += sink.probes;
  });
  await fc.assert(property, { seed, numRuns: options.numRuns, interruptAfterTimeLimit: 60_000 });
  options.say(`seed ${seed}: ${steps} operations, ${probes} packets`);
  assert.ok(steps > options.numRuns, `only ${steps} operations`);
}

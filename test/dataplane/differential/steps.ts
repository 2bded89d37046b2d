import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type CapabilityName,
  capabilityAddress,
  formatIpv6,
  fromHex,
  hashedFamilyCode,
  prefixContains,
  toHex,
} from "../../../src/base/index.ts";
import { Protocol, TcpFlag } from "../../../src/dataplane/memory/packet.ts";
import type { NextHop, Operation, PlanSnapshot } from "../../../src/forwarding/index.ts";
import { anyInput, feed, type Input } from "../../forwarding/inputs.ts";
import { CheckedSink, DOMAIN, forwarding, locator, OWN, TRANSITION_END } from "../../forwarding/world.ts";
import { address, ethernet, ipv6, tcp } from "../memory/frames.ts";

/** Where frames come in: a client of tenant 1, one of tenant 2, another router. */
export const PORTS = {
  client: { role: "client", tenantIndex: 1 },
  foreign: { role: "client", tenantIndex: 2 },
  core: { role: "core", tenantIndex: 0 },
} as const;
type PortName = keyof typeof PORTS;

/** Puts a frame in and says what the pass made of it. */
export type Probe = (port: PortName, frame: Uint8Array) => Uint8Array | undefined;

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
  readonly port: PortName;
  readonly frame: Uint8Array;
}

/** Addresses that no capability has, and of which only the family is known. */
const STRANGERS = [1, hashedFamilyCode("audio")].map((familyCode) =>
  toHex(
    capabilityAddress({
      ...{ domain: DOMAIN, tenantIndex: 1, familyCode, capabilityId: new Uint8Array(16).fill(0xee), selector: 0 },
    }),
  ),
);

/** Packets to an address: connections that begin, one that goes on, one of another tenant, and one that comes through a tunnel. */
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
    { name: `SYN of tenant 2 to ${text}`, port: "foreign", frame: toPort(segment(3000, TcpFlag.Syn)) },
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

/** What decides about an address: its own entry, or a prefix of it. */
type Decides = { readonly group: number; readonly localGroup: number; readonly policy?: number };

/** All that a plan has for the address that ends a packet's name, by name; the first one decides. */
function decideOn({ capabilities, aggregates = [] }: PlanSnapshot, name: string): ReadonlyMap<string, Decides> {
  const text = name.slice(name.lastIndexOf(" ") + 1);
  const entry = [...capabilities.values()].find(({ address: of }) => formatIpv6(of) === text);
  const over = aggregates
    .filter(({ prefix }) => prefixContains(prefix, address(text)))
    .toSorted((a, b) => b.prefix.length - a.prefix.length);
  return new Map<string, Decides>([
    ...(entry === undefined ? [] : [["entry", entry] as const]),
    ...over.map(({ prefix, ...rest }) => [`prefix of ${prefix.length}`, { ...rest, localGroup: 0 }] as const),
  ]);
}

/** Whom one of two plans lets serve a packet, by what decides about it in one of them: tables are not changed at one moment. */
function servers(plans: readonly PlanSnapshot[], name: string): ReadonlySet<string> {
  const found = new Set<string>();
  const known = plans.map((plan) => decideOn(plan, name));
  const deciding = new Set(known.flatMap((of) => [...of.keys()].slice(0, 1)));
  for (const [i, { groups, nextHops }] of plans.entries())
    for (const by of deciding) {
      const { group = 0, localGroup = 0 } = known[i]!.get(by) ?? {};
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

/** Whether a plan lets the packet in: those of tenant 2 only where a policy does. */
function letsIn(plan: PlanSnapshot, name: string): boolean {
  if (!name.includes("tenant 2")) return true;
  const [decides] = decideOn(plan, name).values();
  const policy = plan.policies?.get(decides?.policy ?? 0);
  return policy?.allowed.includes(PORTS.foreign.tenantIndex) ?? false;
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
  letIn = 0;
  byPrefix = 0;

  constructor(stepped: Stepped) {
    super();
    this.#stepped = stepped;
    for (const key of STRANGERS) this.#know(key);
  }

  override apply(operations: readonly Operation[], generation: number): void {
    const before = this.snapshot();
    super.apply(operations, generation);
    for (const operation of operations)
      if (operation.type === "set-capability") this.#know(toHex(operation.entry.address));
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
        const isServed = who !== "refused" && servers(plans, name).has(who);
        assert.ok(
          who === old || who === next || isServed,
          `after ${i + 1} of ${operations.length} (${operations[i]!.type}) ${name} goes to ${who}; before: ${old}, then: ${next}`,
        );
        assert.ok(
          who === "refused" || plans.some((plan) => letsIn(plan, name)),
          `after ${i + 1} of ${operations.length} (${operations[i]!.type}) ${name} goes to ${who}, and neither plan lets it in`,
        );
        if (name.includes("tenant 2") && who !== "refused") this.letIn++;
        if (STRANGERS.some((key) => name.endsWith(formatIpv6(fromHex(key)))) && who !== "refused") this.byPrefix++;
      }
    this.#before = after;
  }

  #know(key: string): void {
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

const LIMITS = { capabilities: 4096, groups: 8191, nextHops: 8191, aggregates: 16 };

async function play(inputs: readonly Input[], start: () => Promise<Stepped & AsyncDisposable>): Promise<SteppedSink> {
  await using stepped = await start();
  const sink = new SteppedSink(stepped);
  const router = forwarding({ sink, limits: LIMITS });
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
  const counts = { steps: 0, probes: 0, letIn: 0, byPrefix: 0 };
  for (const { inputs } of FOUND) await play(inputs, start);
  const property = fc.asyncProperty(fc.array(anyInput, { minLength: 5, maxLength: 25 }), async (inputs) => {
    const sink = await play(inputs, start);
    for (const what of ["steps", "probes", "letIn", "byPrefix"] as const) counts[what] += sink[what];
  });
  await fc.assert(property, { seed, numRuns: options.numRuns, interruptAfterTimeLimit: 60_000 });
  const text = `seed ${seed}: ${counts.steps} operations, ${counts.probes} packets, ${counts.letIn} of another tenant let in, ${counts.byPrefix} by a prefix`;
  options.say(text);
  assert.ok(counts.steps > options.numRuns, text);
}

import assert from "node:assert/strict";
import { milliseconds } from "../../../../src/base/index.ts";
import { IPV6_LENGTH, u16 } from "../../../../src/dataplane/memory/packet.ts";
import type { Instance } from "../../../../src/directory/index.ts";
import { Compiler, type Operation } from "../../../../src/forwarding/index.ts";
import { instance, OCR, selection } from "../../../forwarding/world.ts";
import { SeededRandom } from "../../../sim/seeded-random.ts";
import { TallyMetrics } from "../../../sim/tally-metrics.ts";
import { VirtualClock } from "../../../sim/virtual-clock.ts";
import { AGENT, OPTIONS, SILENT } from "../../memory/story.ts";
import type { Case } from "../case.ts";
import * as p from "../packets.ts";

const FLOWS = Array.from({ length: 24 }, (_, i) => 31_000 + i * 7);
/** On one host, whose link address the world knows. */
const PORTS = [8081, 8082, 8083] as const;

function agent(number: 1 | 2 | 3): Instance {
  const endpoint = { address: AGENT, port: PORTS[number - 1]!, protocol: "tcp" } as const;
  return { ...instance({ number }), endpoint };
}

/** As the router itself has it: the plan is what its compiler makes of instances that drain. */
export const LAST_ONE: Case = {
  name: "instances of the last site that drain serve what begins until somebody else is there, and then keep what they have",
  needs: ["translation", "health", "drain", "drain-keeps"],
  async run(world) {
    const clock = new VirtualClock();
    const made: Operation[] = [];
    const { domain, locator, hashSeed } = OPTIONS;
    using compiler = new Compiler(
      {
        ...{ domain, locator, hashSeed, selector: 1, tenants: new Map([["acme", 1]]), familyCodes: new Map() },
        ...{ transitionHold: milliseconds(60_000), quarantine: milliseconds(60_000) },
        limits: { capabilities: 100, groups: 100, nextHops: 100 },
      },
      {
        ...{ clock, random: new SeededRandom(1), metrics: new TallyMetrics(), log: SILENT },
        sink: { apply: (operations) => void made.push(...operations) },
      },
    );
    let to: Uint8Array | undefined;
    const compiled = async (...changes: (() => void)[]): Promise<void> => {
      for (const change of changes) change();
      clock.settle();
      to ??= made.flatMap((each) => (each.type === "set-capability" ? [each.entry.address] : [])).find(isOfAny);
      await world.apply(made.splice(0));
    };
    const served = async (kind: typeof p.segment, ports = FLOWS): Promise<number[]> => {
      const arrivals = await world.send(
        "client",
        ports.map((port) => kind({ port, to: to! })),
      );
      assert.deepEqual(new Set(arrivals.map(({ at }) => at)), new Set(["agent"]), "nothing is refused");
      const owners = new Map(arrivals.map(({ packet }) => [u16(packet, IPV6_LENGTH), u16(packet, IPV6_LENGTH + 2)]));
      return ports.map((port) => owners.get(port)!);
    };
    const drain = (number: 1 | 2) => () => compiler.instanceState(agent(number).id, "draining");

    await compiled(
      () => compiler.instanceAdded(agent(1), "up"),
      () => compiler.instanceAdded(agent(2), "up"),
      () => compiler.capabilityChanged(selection(OCR, [{ site: 1 }])),
    );
    await compiled(drain(1));
    assert.deepEqual(new Set(await served(p.segment)), new Set([PORTS[1]]), "the other one");
    await compiled(drain(2));
    assert.deepEqual(new Set(await served(p.acknowledgement)), new Set([PORTS[1]]), "what it has it keeps");
    const late = FLOWS.map((port) => port + 1000);
    const those = await served(p.segment, late);
    assert.ok(
      those.every((each) => each === PORTS[0] || each === PORTS[1]),
      "what begins is served",
    );
    await compiled(() => compiler.instanceAdded(agent(3), "up"));
    assert.deepEqual(await served(p.acknowledgement, late), those, "and stays where it began");
    const last = FLOWS.map((port) => port + 2000);
    assert.deepEqual(new Set(await served(p.segment, last)), new Set([PORTS[2]]), "nobody begins with who drains");
  },
};

/** `C::0`, not `C::selector`. */
const isOfAny = (entry: Uint8Array): boolean => entry[14] === 0 && entry[15] === 0;

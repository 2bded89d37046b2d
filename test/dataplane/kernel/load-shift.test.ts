import assert from "node:assert/strict";
import { it } from "node:test";
import { loadNative } from "../../../native/index.ts";
import { type Clock, milliseconds, parseIpv6 } from "../../../src/base/index.ts";
import { PROGRAMS } from "../../../src/dataplane/abi.ts";
import { startKernelDataplane } from "../../../src/dataplane/index.ts";
import { PortTable } from "../../../src/dataplane/kernel/port-table.ts";
import { tableSizes } from "../../../src/dataplane/sizes.ts";
import { instanceState } from "../../../src/directory/index.ts";
import { Compiler, FIRST_CAPABILITY_POLICY } from "../../../src/forwarding/index.ts";
import { openDirectoryStore, systemClock, systemRandom } from "../../../src/host/index.ts";
import { AGENT_A, OCR, taxonomy, taxonomyOptions } from "../../directory/samples.ts";
import { AGENT_PATH, folder, hasOpenssl, startBench } from "../../registration/bench.ts";
import { ListLog, TallyMetrics } from "../../sim/tally-metrics.ts";
import { ethernet, tcp } from "../memory/frames.ts";
import { CLIENT, OPTIONS, SILENT } from "../memory/story.ts";
import { isolated, OBJECT_PATH, whyNoKernelDataplane } from "./isolated.ts";

const LOOPBACK = 1;
const FLOWS = 2000;
const SYN = 0x02;
/**
 * What this router promises from the request that changes a weight to the first packet by it: what it waits for on its clock, which
 * moves here only when all else is done, and what it computes, in time of processors. Neither knows what else the machine does.
 */
const T_MS = 1000;
/** Turns of the event loop in which whatever is under way gets on. */
const TURNS = 20;
const ENDS = [10, 11] as const;

/** Two instances of an agent; `first`: weight of the first, in parts of 10 for the second. */
const capabilities = (first: number) =>
  ENDS.map((end, i) => ({
    ...{ name: OCR, version: "1.0", weight: i === 0 ? first : 10 },
    endpoint: { address: `fd00:a:21::${end}`, port: 8080 },
  }));

await isolated(
  import.meta.filename,
  "ip link set lo up",
  () =>
    it("an agent says that it is loaded: its share of the slots and of the packets follows, within a second (R50)", async (t) => {
      const { domain, families: familyCodes } = taxonomyOptions();
      const names = taxonomy();
      const native = loadNative();
      const options = { ...OPTIONS, domain, ports: [], maxCapabilities: 64 };
      await using dataplane = await startKernelDataplane(options, { native, log: SILENT, objectPath: OBJECT_PATH });
      const client = { role: "client", tenantIndex: 1, direct: false, partial: false } as const;
      new PortTable(dataplane.object.maps.get("ports")!.mmap()).set(LOOPBACK, client);
      const shared = { log: new ListLog(), metrics: new TallyMetrics() };
      const store = await openDirectoryStore(folder(), shared);
      await using _store = store;
      await using agents = await startBench({ store });
      const clock: Clock = {
        wall: () => agents.clock.wall(),
        monotonic: () => agents.clock.monotonic(),
        after: (delay, fire) => agents.clock.after(delay, fire),
        soon: (run) => systemClock.soon(run),
      };
      const sizes = tableSizes(options.maxCapabilities);
      using compiler = new Compiler(
        {
          ...{ domain, locator: options.locator, selector: 1, hashSeed: options.hashSeed },
          ...{ tenants: new Map([["acme", 1]]), familyCodes },
          ...{ transitionHold: milliseconds(1), quarantine: milliseconds(1) },
          limits: {
            ...{ capabilities: 64, groups: sizes.groups - 1, nextHops: sizes.nextHops - 1 },
            ...{ policies: sizes.policies - FIRST_CAPABILITY_POLICY, allowed: sizes.allowed },
          },
        },
        { ...shared, clock, random: systemRandom, sink: dataplane },
      );
      compiler.taxonomy([{ tenantIndex: 1, name: OCR, majorVersion: 1 }]);
      agents.directory.subscribe((changes) => {
        for (const { type, instance } of changes)
          if (type === "added") compiler.instanceAdded(instance, instanceState(instance));
          else if (type === "changed") compiler.instanceChanged(instance, instanceState(instance));
      });

      // The instances of this site, which is selector 1: there is no RIB that would choose among sites
      const address = names.address("acme", OCR, 1)!.with(15, 1);
      /** Slots of the first instance: what the map says. */
      const slots = (): number => {
        const { localGroup = 0 } = dataplane.plan.plannedCapability(address) ?? {};
        const first = [...dataplane.plan.plannedNextHops()].find(
          ([, { nextHop }]) => nextHop.kind === "instance" && nextHop.address[15] === parseIpv6("fd00:a:21::10")![15],
        );
        const owners = dataplane.plan.plannedGroup(localGroup)?.slots ?? [];
        return owners.filter(({ current }) => current === first?.[0]).length;
      };
      /** The share of new flows that the first instance gets: what the counters say. */
      const share = (from: number): number => {
        const packets = () =>
          [...dataplane.plan.plannedNextHops()].flatMap(([index, { nextHop }]) =>
            nextHop.kind === "instance"
              ? [[nextHop.address[15], dataplane.counters().nextHops.get(index)!.packets] as const]
              : [],
          );
        const before = new Map(packets());
        for (let flow = 0; flow < FLOWS; flow++) {
          const ends = { sourcePort: from + flow, destinationPort: 80, flags: SYN };
          const frame = ethernet(tcp({ source: CLIENT, destination: address }, ends)).fill(0, 0, 6);
          native.bpf.testRun(dataplane.object.programs.get(PROGRAMS.tc)!, frame);
        }
        const got = new Map(packets().map(([end, count]) => [end, Number(count - (before.get(end) ?? 0n))]));
        assert.equal(
          [...got.values()].reduce((a, b) => a + b),
          FLOWS,
          "every packet is counted for one of them",
        );
        return got.get(0x10)! / FLOWS;
      };
      /** Resolves with the time that it took, as {@link T_MS} counts it. */
      const until = async (wanted: number, asked: Promise<unknown>): Promise<number> => {
        const [begin, computed] = [agents.clock.monotonic(), process.cpuUsage()];
        const passed = (): number => {
          const { user, system } = process.cpuUsage(computed);
          return agents.clock.monotonic() - begin + (user + system) / 1000;
        };
        let isAnswered = false;
        void asked.then(() => {
          isAnswered = true;
        });
        for (let turns = 1; slots() !== wanted; turns++) {
          assert.ok(passed() < T_MS, `${slots()} slots instead of ${wanted}`);
          await new Promise((resolve) => setImmediate(resolve));
          if (isAnswered && turns % TURNS === 0) agents.clock.advance(milliseconds(1));
        }
        return passed();
      };

      const token = await agents.mint();
      const made = await agents.call("POST", "/v1/agents", {
        token,
        body: { agent: AGENT_A, capabilities: capabilities(10) },
      });
      assert.equal(made.status, 201, made.text);
      await until(32, Promise.resolve());
      assert.ok(Math.abs(share(10_000) - 0.5) < 0.06);
      const times: number[] = [];
      for (const [round, [weight, wanted]] of (
        [
          [2, 11],
          [30, 48],
          [10, 32],
          [2, 11],
        ] as const
      ).entries()) {
        const asked = agents.call("PATCH", AGENT_PATH, {
          token,
          body: { capabilities: capabilities(weight).slice(0, 1) },
        });
        times.push(await until(wanted, asked));
        assert.equal((await asked).status, 200);
        const got = share(20_000 + round * FLOWS);
        // Standard deviation of a share of 2000 flows: 1.1 %
        assert.ok(Math.abs(got - wanted / 64) < 0.06, `${got} of the flows, ${wanted} of 64 slots`);
      }
      t.diagnostic(`from the request to the slots: ${times.map((time) => `${time.toFixed(1)} ms`).join(", ")}`);
    }),
  () => (hasOpenssl ? whyNoKernelDataplane() : "openssl, which makes the certificates of this test, is not installed"),
);

import assert from "node:assert/strict";
import { it } from "node:test";
import { assignSlots } from "../../../src/forwarding/slot-assignment.ts";
import { buildPrograms } from "../../bench/dataplane/programs.ts";
import { makeSubject, runOnce } from "../../bench/dataplane/subject.ts";
import { mapOf, programOf, setClientPort, startFilled } from "../../bench/dataplane/world.ts";
import { isolated } from "../kernel/isolated.ts";
import { XDP } from "./bench.ts";

const FLOWS = 1_000_000;
const LOOPBACK = 1;
const SEED = 7;
/** Next hops 1, 2, … of the plan, by weight. */
const WEIGHTS = [
  [30, 20, 10, 4],
  [7, 5, 1],
  [1, 1, 1],
];

isolated(import.meta.filename, "ip link set lo up", () => {
  for (const weights of WEIGHTS)
    it(`a million flows follow weights ${weights.join(" : ")} within 5 %, and who is dead gets none`, async () => {
      await buildPrograms();
      await using dataplane = await startFilled("shares", { capabilities: 1, groups: 1, tunnels: weights.length });
      setClientPort(mapOf(dataplane.object, "ports"), LOOPBACK, "by the stack");
      const members = weights.map((weight, at) => ({ nextHop: at + 1, key: at + 1, weight }));
      const owners = assignSlots(members, new Uint16Array(64), SEED);
      const slots = Array.from(owners, (current, slot) => ({ slot, current, previous: current }));
      dataplane.apply([{ type: "set-slots", group: 1, slots, backup: 2 }], 2);
      const traffic = { capabilities: 1, flows: 1, fresh: 1, tcp: "syn" } as const;
      const flood = await makeSubject("flood", "xdp", traffic, programOf(dataplane.object, "semr_xdp"), [XDP.pass]);

      const packets = () =>
        members.map(({ nextHop }) => Number(dataplane.counters().nextHops.get(nextHop)?.packets ?? 0n));
      const sent = () => {
        const before = packets();
        runOnce(flood, FLOWS);
        return packets().map((count, at) => count - before[at]!);
      };
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      const all = sent();
      assert.equal(
        all.reduce((sum, count) => sum + count, 0),
        FLOWS,
        "every flow went somewhere",
      );
      for (const [at, count] of all.entries()) {
        const off = count / FLOWS / (weights[at]! / total) - 1;
        assert.ok(Math.abs(off) < 0.05, `weight ${weights[at]}: ${count} of ${FLOWS}, ${(100 * off).toFixed(1)} % off`);
      }

      dataplane.setHealth(1, "down");
      const [dead, ...living] = sent();
      assert.equal(dead, 0, "a dead one gets no new flow");
      assert.equal(
        living.reduce((sum, count) => sum + count, 0),
        FLOWS,
        "and nothing is lost",
      );
    });
});

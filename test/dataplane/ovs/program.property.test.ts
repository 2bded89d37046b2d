import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import { toHex } from "../../../src/base/index.ts";
import { PlanTables } from "../../../src/dataplane/memory/plan-tables.ts";
import { adoptableFrom } from "../../../src/dataplane/ovs/adoption.ts";
import { decodeFlows } from "../../../src/dataplane/ovs/openflow/flow.ts";
import { TYPE } from "../../../src/dataplane/ovs/openflow/message.ts";
import type { Order } from "../../../src/dataplane/ovs/openflow/meter.ts";
import { Program } from "../../../src/dataplane/ovs/program.ts";
import { policyOfMeter } from "../../../src/dataplane/ovs/tables.ts";
import { comparable } from "../../contract/dataplane/expected.ts";
import { sequence } from "../../contract/dataplane/sequence.ts";
import { OPTIONS } from "../memory/story.ts";
import { withPolicies } from "./with-policies.ts";

const seed = Number(process.env.SEMR_TEST_SEED ?? Date.now() % 2 ** 31);
const ADD = 0;
const DELETE_ALL = 3;
const GROUP_SET = 0x8000;
const ALL_GROUPS = 0xfffffffc;
const GROUP_ACTION = 22;

/** What a switch has after messages, and that it would not have refused them. Octets of flows and groups, by what names them. */
class Switch {
  readonly flows = new Map<string, string>();
  readonly groups = new Map<number, string>();
  readonly meters = new Map<number, unknown>();

  take(message: Order): void {
    if (typeof message !== "function") {
      const { meter, rate } = message;
      if (rate !== undefined) this.meters.set(meter, rate);
      else {
        assert.ok(this.meters.delete(meter), `meter ${meter} is not there`);
        for (const content of this.flows.values())
          assert.ok(!metersIn(content).includes(meter), `meter ${meter} is named by a flow`);
      }
      return;
    }
    const octets = message(1);
    const view = new DataView(octets.buffer, octets.byteOffset, octets.length);
    if (octets[1] === TYPE.groupMod) {
      const [command, index] = [view.getUint16(8), view.getUint32(12)];
      if (command === GROUP_SET) this.groups.set(index, toHex(octets.subarray(10)));
      else if (index === ALL_GROUPS) this.groups.clear();
      else assert.ok(this.groups.delete(index), `group ${index} is not there`);
      return;
    }
    assert.equal(octets[1], TYPE.flowMod);
    const [table, command, priority] = [octets[24]!, octets[25]!, view.getUint16(30)];
    const matchEnd = 48 + 8 * Math.ceil(view.getUint16(50) / 8);
    const name = `${table} ${priority} ${toHex(octets.subarray(48, matchEnd))}`;
    if (command === DELETE_ALL) this.flows.clear();
    else if (command === ADD) {
      for (const named of groupsIn(octets.subarray(matchEnd))) assert.ok(this.groups.has(named), `no group ${named}`);
      const instructions = toHex(octets.subarray(matchEnd));
      for (const named of metersIn(instructions)) assert.ok(this.meters.has(named), `no meter ${named}`);
      this.flows.set(name, toHex(octets.subarray(8, 16)) + toHex(octets.subarray(matchEnd)));
    } else assert.ok(this.flows.delete(name), `there is no flow ${name}`);
  }

  /** As it describes its flows when asked. */
  described() {
    const parts = [...this.flows].map(([name, content]) => {
      const [table, priority, match] = name.split(" ") as [string, string, string];
      const number = (value: number, octets: number): string => value.toString(16).padStart(2 * octets, "0");
      const head = `0000${number(Number(table), 1)}00${number(Number(priority), 2)}${"0".repeat(16)}`;
      const body = `${head}${content.slice(0, 16)}${match}0000000400000000${content.slice(16)}`;
      return number(body.length / 2 + 2, 2) + body;
    });
    const decoded = decodeFlows(Buffer.from(`0001000000000000${parts.join("")}`, "hex"));
    assert.ok(decoded.ok);
    return decoded.value.flows;
  }
}

/** But that of what comes here. */
function metersIn(instructions: string): number[] {
  const found = instructions.matchAll(/001d0008([0-9a-f]{8})/g);
  return Array.from(found, ([, meter]) => Number.parseInt(meter!, 16)).filter(
    (meter) => policyOfMeter(meter) !== undefined,
  );
}

function groupsIn(instructions: Uint8Array): number[] {
  const view = new DataView(instructions.buffer, instructions.byteOffset, instructions.length);
  const found: number[] = [];
  for (let at = 8; at < instructions.length; at += view.getUint16(at + 2))
    if (view.getUint16(at) === GROUP_ACTION) found.push(view.getUint32(at + 4));
  return found;
}

const facts = {
  locator: OPTIONS.locator,
  tunnelPort: 1,
  hairPinPort: 2,
  stackMac: new Uint8Array(6),
  longestFrame: 1444,
};
const program = (): Program => new Program(new PlanTables(OPTIONS.domain, 1000), OPTIONS.domain, facts);

it(`ovs: after any operations, one by one, the switch has what it has after everything at once, and tells the plan (seed ${seed})`, () => {
  fc.assert(
    fc.property(sequence, (operations) => {
      const byStep = program();
      const steps = new Switch();
      for (const message of byStep.everything(0)) steps.take(message);
      for (const operation of withPolicies(operations))
        for (const message of byStep.apply(operation, 0)) steps.take(message);
      for (const message of byStep.release()) steps.take(message);
      steps.take(byStep.generation(7));

      const found = adoptableFrom(steps.described(), byStep.madeFor);
      assert.ok(found?.exact);
      const adopted = program();
      adopted.adopt(found.operations);
      adopted.release();
      assert.deepEqual(comparable(adopted.plan.snapshot(7)), comparable(byStep.plan.snapshot(7)));
      const whole = new Switch();
      for (const message of [...adopted.meters(), ...adopted.everything(7)]) whole.take(message);
      assert.deepEqual([...steps.flows].toSorted(), [...whole.flows].toSorted());
      assert.deepEqual([...steps.groups].toSorted(), [...whole.groups].toSorted());
      assert.deepEqual([...steps.meters].toSorted(), [...whole.meters].toSorted());
    }),
    { seed, numRuns: 60, endOnFailure: true },
  );
});

import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import { LinuxProgram } from "../../../src/dataplane/linux/program.ts";
import { PlanTables } from "../../../src/dataplane/memory/plan-tables.ts";
import type { Operation } from "../../../src/forwarding/index.ts";
import { sequence } from "../../contract/dataplane/sequence.ts";
import { OPTIONS } from "../memory/story.ts";
import { withPolicies } from "../ovs/with-policies.ts";

const seed = Number(process.env.SEMR_TEST_SEED ?? Date.now() % 2 ** 31);

/** What the kernel has after commands, and that it would not have refused them, nor thrown away more than they say. */
class Kernel {
  readonly nextHops = new Map<string, string>();
  readonly routes = new Map<string, string>();

  carryOut(command: string): void {
    const word = command.split(" ");
    const after = (name: string): string => word[word.indexOf(name) + 1]!;
    if (command.startsWith("nexthop replace")) {
      if (word.includes("group"))
        for (const member of after("group").split("/"))
          assert.ok(this.nextHops.has(member.split(",")[0]!), `${command}: no such member`);
      this.nextHops.set(after("id"), command);
    } else if (command.startsWith("nexthop del")) {
      const id = after("id");
      assert.ok(this.nextHops.delete(id), `${command}: not there`);
      for (const other of this.nextHops.values()) assert.ok(!other.includes(`${id},`), `${command}: in "${other}"`);
      for (const route of this.routes.values())
        assert.ok(!route.includes(`nhid ${id} `), `${command}: used by "${route}"`);
    } else if (command.startsWith("route replace")) {
      const unreachable = word[2] === "unreachable";
      if (!unreachable) assert.ok(this.nextHops.has(after("nhid")), `${command}: no such next hop`);
      this.routes.set(`${word[unreachable ? 3 : 2]} ${after("table")}`, command);
    } else {
      assert.ok(command.startsWith("route del"), command);
      assert.ok(this.routes.delete(`${word[2]} ${after("table")}`), `${command}: not there`);
    }
  }
}

/** Every other instance listens on the capability's port; instances at even addresses are on a link. */
function withLinks(operation: Operation): Operation {
  if (operation.type !== "set-next-hop" || operation.nextHop.kind !== "instance") return operation;
  const { port, servicePort } = operation.nextHop;
  return { ...operation, nextHop: { ...operation.nextHop, servicePort: port % 2 === 0 ? port : servicePort } };
}

const facts = { linkTo: (address: Uint8Array) => (address[15]! % 2 === 0 ? "agent0" : undefined), tunnelMtu: 1500 };
const program = (): LinuxProgram => new LinuxProgram(new PlanTables(OPTIONS.domain, 1000), facts);

it(`linux: after any operations, one by one, the kernel has what it has after everything at once (seed ${seed})`, () => {
  fc.assert(
    fc.property(sequence, (operations) => {
      const steps = new Kernel();
      const byStep = program();
      const once = program();
      for (const operation of withPolicies(operations.map(withLinks))) {
        for (const command of byStep.apply(operation, 0)) steps.carryOut(command);
        once.apply(operation, 0);
        assert.deepEqual(new Set(steps.nextHops.keys().map(Number)), byStep.ids());
      }
      const whole = new Kernel();
      for (const command of once.everything()) whole.carryOut(command);
      assert.deepEqual([...steps.routes].toSorted(), [...whole.routes].toSorted());
      assert.deepEqual([...steps.nextHops].toSorted(), [...whole.nextHops].toSorted());
    }),
    { seed, numRuns: 300 },
  );
});

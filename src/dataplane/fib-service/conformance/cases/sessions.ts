import { toHex } from "../../../../base/index.ts";
import type { Operation } from "../../../../forwarding/index.ts";
import { PROTOCOL_VERSION } from "../../messages.ts";
import { toMessage } from "../../wire.ts";
import { applied, type ConformanceCase, demandRead, say, withSmall } from "../case.ts";
import { HOSTILE, instance } from "../examples.ts";
import { demand } from "../line.ts";

/** A session ended; the plan stays. */
export function demandHolds(named: Uint8Array, planId: Uint8Array): void {
  const said = named.length === 0 ? "none" : toHex(Uint8Array.from(named));
  demand(
    said === toHex(planId),
    `Welcome has to name the plan in effect (plan_id ${toHex(planId)}), and names ${said}`,
  );
}

const one = (operation: Operation) => [toMessage(operation)];

/** How a session begins, and how one follows another. */
export const SESSIONS: { readonly first: readonly ConformanceCase[]; readonly again: readonly ConformanceCase[] } = {
  first: [
    {
      name: "welcome: version, name, window",
      rule: 2,
      async run(rig) {
        using line = rig.line();
        const { version, name, window } = await line.greet();
        demand(
          version >= 1 && version <= PROTOCOL_VERSION,
          `it speaks version ${version}, and the router ${PROTOCOL_VERSION}: the lower of the two is due`,
        );
        demand(name !== "", "it has no name");
        demand(window <= 65_536, `a window of ${window} operations`);
      },
    },
    {
      name: "version: the highest that both speak",
      rule: 2,
      async run(rig) {
        const spoken = async (version: number): Promise<number> => {
          using line = rig.line();
          return (await line.greet({ version })).version;
        };
        const [oldest, ours, later] = [await spoken(1), await spoken(PROTOCOL_VERSION), await spoken(1000)];
        demand(oldest === 1, `a router that speaks version 1 is answered with version ${oldest}`);
        demand(
          later >= ours && later <= 1000,
          `a router that speaks up to version 1000 is answered with version ${later}, one that speaks up to ${PROTOCOL_VERSION} with ${ours}`,
        );
      },
    },
    {
      name: "operations before Hello end the session",
      rule: 1,
      async run(rig) {
        using line = rig.line();
        say(line, [instance(24)], 1);
        await line.end("operations came before Hello");
      },
    },
  ],
  again: [
    {
      name: "a session that breaks is resumed where it was",
      rule: 2,
      async run(rig) {
        const { line, tables, planId } = await withSmall(rig);
        line.cut();
        using again = rig.line();
        const { plan_id, sequence, generation } = await again.greet({ plan_id: planId, sequence: line.acknowledged });
        demandHolds(plan_id, planId);
        demand(Number(sequence) === line.acknowledged, `it came to ${sequence}, and acknowledged ${line.acknowledged}`);
        demand(Number(generation) === 1, `it completed generation ${generation}, and 1 was the last`);
        again.resume(Number(sequence));
        const more = [instance(22)];
        const first = say(again, more, 2);
        await again.settle();
        demand(again.refusalOf(first) === undefined, "the first operation after the resume was refused");
        await demandRead(again, applied(again, more, tables));
      },
    },
    {
      name: "refusals that the router never heard of are said again",
      rule: 2,
      async run(rig) {
        const { line, planId } = await withSmall(rig);
        const heard = line.acknowledged;
        const first = line.operations([HOSTILE[1]!.message, ...one(instance(23))], 2);
        await line.settle();
        line.cut();
        using again = rig.line();
        const welcome = await again.greet({ plan_id: planId, sequence: heard });
        if (welcome.plan_id.length === 0) return;
        const said = welcome.refusals.map(({ sequence }) => Number(sequence));
        demand(
          said.length === 1 && said[0] === first,
          `operation ${first} was refused, and Hello named ${heard}: Welcome has to say it again; said: ${said.join() || "none"}`,
        );
      },
    },
    {
      name: "a second session of the router ends the first; another router is refused",
      rule: 1,
      async run(rig) {
        const { line, tables, planId } = await withSmall(rig);
        using foreign = rig.line({ router: "another-router" });
        foreign.hello();
        await foreign.end("Hello came from another router while there is a session");
        using second = rig.line();
        await second.greet({ plan_id: planId, sequence: line.acknowledged });
        await line.end("the same router began another session, which takes its place");
        second.resume(line.acknowledged);
        await demandRead(second, tables);
      },
    },
    {
      name: "a plan made with other settings is not held",
      rule: 1,
      async run(rig) {
        const { line, planId } = await withSmall(rig);
        line.cut();
        using other = rig.line({ tunnelMtu: line.options.tunnelMtu - 100 });
        const welcome = await other.greet({ plan_id: planId, sequence: line.acknowledged });
        demand(welcome.plan_id.length === 0, "it holds a plan that was made for another tunnel MTU");
      },
    },
    {
      name: "octets that are no message end the session and nothing else",
      rule: 8,
      async run(rig) {
        const { line, tables, planId } = await withSmall(rig);
        for (let i = 0; i < 20; i++) await rig.garbage();
        using again = rig.line();
        const welcome = await again.greet({ plan_id: planId, sequence: line.acknowledged });
        demandHolds(welcome.plan_id, planId);
        again.resume(line.acknowledged);
        await demandRead(again, tables);
      },
    },
  ],
};

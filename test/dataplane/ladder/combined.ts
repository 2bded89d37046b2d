import assert from "node:assert/strict";
import { it } from "node:test";
import { account, BAR, sites, type Table, wait } from "./account.ts";
import { now, slots } from "./part.ts";
import { HOP } from "./plans.ts";
import type { Ladder } from "./world.ts";

/** What a loaded machine may add to a bar. */
const MOST = 250;

/** Two things that fail at once, or one while another is not back yet. */
export function combinedFailures(ladderOf: () => Ladder, table: Table): void {
  it("an instance while its site has no control plane: its host says so; healed when somebody judges again", async () => {
    const ladder = ladderOf();
    const traffic = await ladder.traffic(async () => {
      await ladder.kill("e1");
      await wait(80); // flows are still at e1, or back there if BFD was quicker than the end of its connections
      await ladder.instance("a1", 1, "ends");
      await wait(100);
      await ladder.startRouter("e1");
      const { at } = await ladder.tell("e1", { type: "health", states: [[HOP.second, "down"]] });
      await wait(100);
      return at;
    });
    const one = account(traffic);
    const took = table.row(
      "egress: control plane kill -9, then an instance; until back",
      one,
      traffic.event,
      BAR.switch,
    );
    assert.ok(took <= 0, `${took} ms after it was said to be down`);
    assert.ok(one.unheard > 10, `${one.unheard} met nobody`);
    assert.equal(one.named + one.onTheWay, 0);
    await ladder.instance("a1", 1, "begins");
    await ladder.tell("e1", { type: "health", states: [[HOP.second, "up"]] });
    await ladder.bfdUp();
  });

  it("an egress whose control plane is gone goes on, also when that of the ingress goes after it", async () => {
    const ladder = ladderOf();
    const traffic = await ladder.traffic(async () => {
      const at = now();
      await ladder.kill("e1");
      await wait(150);
      await ladder.kill("i1");
      await wait(200);
      await ladder.kill("e2"); // all are silent now: the panic rule
      await wait(150);
      await Promise.all([ladder.startRouter("e1"), ladder.startRouter("e2")]);
      await ladder.startRouter("i1");
      return at;
    });
    const one = account(traffic);
    table.row("control planes of egress, ingress, other egress, kill -9 in turn", one, traffic.event, BAR.switch);
    assert.equal(one.received, one.sent);
    assert.equal(sites(traffic, traffic.event).size, 2);
    await ladder.bfdUp();
  });

  it("a link flaps while the ingress has no control plane: away from it and back, and nothing stays down", async () => {
    const ladder = ladderOf();
    const back: number[] = [];
    const traffic = await ladder.traffic(async () => {
      await ladder.kill("i1");
      await wait(100);
      const at = now();
      ladder.cut("e1", "core");
      await wait(150);
      await ladder.mend("e1", "core");
      back.push(now());
      await wait(MOST);
      back.push(now());
      await wait(50);
      await ladder.startRouter("i1");
      back.push(now());
      await wait(100);
      return at;
    });
    const one = account(traffic, ["a1"]);
    const [mended, later, started] = back as [number, number, number];
    const name = "ingress: control plane kill -9, then a link flaps";
    const took = table.row(name, one, traffic.event, BAR.silent, mended);
    assert.ok(took < MOST, `${took} ms`);
    assert.ok(
      one.lostAt.every((at) => at < later),
      "nothing is lost once the link is back",
    );
    assert.deepEqual(sites(traffic, later), new Set(["a1", "a2"]), "heartbeats are back");
    assert.deepEqual(sites(traffic, started), new Set(["a1", "a2"]), "and with the control plane");
  });

  it("a link that went while its router had no control plane is down for the next one, too", async () => {
    const ladder = ladderOf();
    ladder.clientBy("i2");
    const traffic = await ladder.traffic(
      async () => {
        await ladder.kill("i2");
        await wait(100);
        ladder.cut("e1", "i2"); // heartbeats come by another link: the sender lives, the way to it does not
        await wait(50);
        await ladder.startRouter("i2", { without: ["e1"] });
        const at = now();
        await wait(200);
        return at;
      },
      async () => {
        await ladder.mend("e1", "i2");
        await ladder.bfdUp();
      },
    );
    const one = account(traffic, ["a1"]);
    const took = table.row("ingress without control plane, a link; from its start on", one, traffic.event, BAR.link);
    assert.ok(took < MOST, `${took} ms`);
    const after = await ladder.traffic(() => wait(150));
    assert.equal(account(after).received, after.sent.length);
    assert.deepEqual(sites(after, 0), new Set(["a1", "a2"]), "the link is used again");
    ladder.clientBy("i1");
  });

  it("an egress that flows are being moved away from dies: what is left goes to the new owner", async () => {
    const ladder = ladderOf();
    const draining = slots([HOP.e2], [HOP.e1, HOP.e2]);
    const settled = slots([HOP.e1, HOP.e2]);
    const set = (owners: typeof settled) =>
      ladder.tell("i1", {
        type: "apply",
        operations: [{ type: "set-slots", group: 1, slots: owners, backup: HOP.e2 }],
      });
    let moved = 0;
    const traffic = await ladder.traffic(
      async () => {
        await wait(100);
        await set(draining);
        moved = now();
        await wait(150);
        const at = now();
        ladder.cut("e1", "core");
        await wait(200);
        return at;
      },
      async () => {
        await ladder.mend("e1", "core");
        await ladder.bfdUp();
        await set(settled);
      },
    );
    const took = table.row(
      "an egress while it drains (BFD 10 ms × 3)",
      account(traffic, ["a1"]),
      traffic.event,
      BAR.silent,
    );
    assert.ok(took < MOST, `${took} ms`);
    const drained = traffic.arrivals.filter(({ number, site }) => {
      const at = traffic.sent[number]!;
      return site === "a1" && at > moved && at < traffic.event;
    });
    assert.ok(drained.length > 50, `${drained.length} packets of flows that stay while it drains`);
    assert.deepEqual(sites(traffic, traffic.event + took + 5), new Set(["a2"]));
  });

  it("an ingress that is cut off from all sites refuses by name, and serves again", async () => {
    const ladder = ladderOf();
    const traffic = await ladder.traffic(
      async () => {
        await wait(100);
        const at = now();
        ladder.cut("i1", "core");
        await wait(200);
        return at;
      },
      async () => {
        await ladder.mend("i1", "core");
        await ladder.bfdUp();
      },
    );
    const one = account(traffic, ["a1", "a2"]);
    table.row("an ingress is cut off from all sites", one, traffic.event);
    assert.ok(one.named > one.onTheWay, `${one.named} refused, ${one.onTheWay} on the way`);
    const after = await ladder.traffic(() => wait(100));
    assert.equal(account(after).received, after.sent.length);
  });
}

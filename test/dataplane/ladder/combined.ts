import assert from "node:assert/strict";
import { it } from "node:test";
import { account, BAR, movedAt, sites, type Table } from "./account.ts";
import { cutting } from "./cut.ts";
import { now, slots } from "./part.ts";
import { HOP } from "./plans.ts";
import type { Ladder } from "./world.ts";

/** Two things that fail at once, or one while another is not back yet. */
export function combinedFailures(ladderOf: () => Ladder, table: Table): void {
  it("an instance while its site has no control plane: its host says so; healed when somebody judges again", async () => {
    const ladder = ladderOf();
    const traffic = await ladder.traffic(async () => {
      await ladder.kill("e1");
      await ladder.sends(160); // flows are still at e1, or back there if BFD was quicker than the end of its connections
      await ladder.instance("a1", 1, "ends");
      await ladder.sends(200);
      await ladder.startRouter("e1");
      const { at } = await ladder.tell("e1", { type: "health", states: [[HOP.second, "down"]] });
      await ladder.sends(200);
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
      await ladder.sends(300);
      await ladder.kill("i1");
      await ladder.sends(400);
      await ladder.kill("e2"); // all are silent now: the panic rule
      for (const hop of [HOP.e1, HOP.e2]) await ladder.fallsSilent("i1", hop);
      await ladder.sends(200);
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
    const times: number[] = [];
    const traffic = await ladder.traffic(
      async () => {
        await ladder.kill("i1");
        await ladder.sends(200);
        const at = ladder.cut("e1", "core");
        await ladder.fallsSilent("i1", HOP.e1);
        times.push(now());
        await ladder.sends(200);
        times.push(now());
        await ladder.mend("e1", "core");
        await ladder.isHeard("i1", HOP.e1);
        times.push(now());
        await ladder.sends(200);
        await ladder.startRouter("i1");
        times.push(now());
        await ladder.sends(200);
        return at;
      },
      undefined,
      ["a1"],
    );
    const one = account(traffic);
    const [silent, mended, heard, started] = times as [number, number, number, number];
    table.row("ingress: control plane kill -9, then a link flaps", one, undefined, BAR.silent);
    // While a link comes up it may carry heartbeats one way and nothing the other way, where a neighbour cannot be asked for yet.
    const late = one.lostAt.filter((at) => (at > silent && at < mended) || at > heard).map((at) => at - heard);
    assert.deepEqual(late, [], "nothing is lost once it is silent, nor when the link is back");
    assert.deepEqual(sites(traffic, heard), new Set(["a1", "a2"]), "heartbeats are back");
    assert.deepEqual(sites(traffic, started), new Set(["a1", "a2"]), "and with the control plane");
  });

  it("a link that went while its router had no control plane is down for the next one, too", async () => {
    const ladder = ladderOf();
    ladder.clientBy("i2");
    let cut = 0;
    const traffic = await ladder.traffic(async () => {
      await ladder.kill("i2");
      await ladder.sends(200);
      cut = ladder.cut("e1", "i2"); // heartbeats come by another link: the sender lives, the way to it does not
      await ladder.sends(100);
      await ladder.startRouter("i2", { without: ["e1"] });
      const at = now();
      await ladder.sends(400);
      return at;
    }, async () => {
      await ladder.mend("e1", "i2");
      await ladder.bfdUp();
    }, ["a1"]);
    const one = account(traffic);
    const took = table.row("ingress without control plane, a link; from its start on", one, traffic.event, BAR.link);
    assert.ok(took <= 0, `${took} ms after its router was ready`);
    const moved = movedAt({ ...traffic, event: cut }, "a1");
    assert.ok(one.lostAt.every((at) => at <= moved) && one.lostAt.length > 10, `${one.lostAt.length} lost`);
    assert.deepEqual(sites(traffic, moved), new Set(["a2"]));
    const after = await ladder.traffic(() => ladder.sends(300));
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
    let cut = 0;
    const first = async () => {
      await ladder.sends(200);
      await set(draining);
      moved = now();
      await ladder.sends(300);
      cut = now();
    };
    const back = async () => {
      await ladder.mend("e1", "core");
      await ladder.bfdUp();
      await set(settled);
    };
    const one = await cutting(ladder, { from: "i1", link: "core", by: "own bfd", first, back });
    table.row("an egress while it drains (BFD 10 ms × 3)", one, undefined, BAR.silent);
    const drained = one.traffic.arrivals.filter(({ number, site }) => {
      const at = one.traffic.sent[number]!;
      return site === "a1" && at > moved && at < cut;
    });
    assert.ok(drained.length > 50, `${drained.length} packets of flows that stay while it drains`);
  });

  it("an ingress that is cut off from all sites refuses by name, and serves again", async () => {
    const ladder = ladderOf();
    const traffic = await ladder.traffic(async () => {
      await ladder.sends(200);
      const at = ladder.cut("i1", "core");
      await ladder.sends(400);
      return at;
    }, async () => {
      await ladder.mend("i1", "core");
      await ladder.bfdUp();
    }, ["a1", "a2"]);
    const one = account(traffic);
    table.row("an ingress is cut off from all sites", one, traffic.event);
    assert.ok(one.named > one.onTheWay, `${one.named} refused, ${one.onTheWay} on the way`);
    const after = await ladder.traffic(() => ladder.sends(200));
    assert.equal(account(after).received, after.sent.length);
  });
}

import assert from "node:assert/strict";
import { after, before, it } from "node:test";
import { isolated } from "../kernel/isolated.ts";
import { account, BAR, sites, Table } from "./account.ts";
import { combinedFailures } from "./combined.ts";
import { cutting } from "./cut.ts";
import { now, slots } from "./part.ts";
import { HOP } from "./plans.ts";
import { Ladder } from "./world.ts";

/** Of its own, so that nothing is left behind; pins outlive the routers' processes in /mnt. */
const SETUP = `
  mount --make-rprivate /
  mount -t tmpfs st-ladder /run/netns || { mkdir -p /run/netns; mount -t tmpfs st-ladder /run/netns; }
  mount -t bpf st-ladder /mnt
  ip link set lo up
`;

await isolated(import.meta.filename, SETUP, () => {
  let ladder: Ladder;
  const table = new Table();
  const LINK_BACK = async (): Promise<void> => {
    await ladder.mend("e1", "i2");
    ladder.clientBy("i1");
    await ladder.bfdUp();
  };
  /** Also with a control plane for an ingress that has none. */
  const EGRESS_BACK = async (): Promise<void> => {
    await ladder.mend("e1", "core");
    await ladder.startRouter("i1");
    await ladder.bfdUp();
  };
  before(async () => {
    ladder = await Ladder.start();
    await ladder.bfdUp();
    await ladder.traffic(() => ladder.sends(200)); // neighbours are known from here on
  });
  after(async () => {
    await ladder?.[Symbol.asyncDispose]();
    console.log(`${table}`);
  });

  it("nothing: both sites, both instances, no loss", async () => {
    const traffic = await ladder.traffic(() => ladder.sends(600));
    const one = account(traffic);
    table.row("nothing", one);
    assert.equal(one.received, one.sent);
    assert.deepEqual(new Set(traffic.arrivals.map(({ site, instance }) => `${site} ${instance}`)).size, 4);
  });

  it("an instance: the next packet goes to the other one", async () => {
    const traffic = await ladder.traffic(async () => {
      await ladder.sends(200);
      const { at } = await ladder.tell("e1", { type: "health", states: [[HOP.first, "down"]] });
      await ladder.sends(400);
      return at;
    });
    const one = account(traffic);
    table.row("an instance (one word)", one, traffic.event, BAR.switch);
    assert.equal(one.received, one.sent);
    const late = traffic.arrivals.filter(
      ({ number, site, instance }) => traffic.sent[number]! > traffic.event && site === "a1" && instance === 0,
    );
    assert.equal(late.length, 0, "nothing for the dead instance");
  });

  it("all instances of a site: hair-pinned to the next-best site, then the ingress knows", async () => {
    const traffic = await ladder.traffic(async () => {
      await ladder.sends(200);
      const { at } = await ladder.tell("e1", {
        type: "health",
        states: [
          [HOP.first, "down"],
          [HOP.second, "down"],
        ],
      });
      await ladder.sends(300);
      for (const name of ["i1", "i2"] as const)
        await ladder.tell(name, {
          type: "apply",
          operations: [{ type: "set-slots", group: 1, slots: slots([HOP.e2]), backup: 0 }],
        });
      await ladder.sends(200);
      return at;
    });
    const one = account(traffic);
    table.row("all instances of a site (hair-pin, then withdrawn)", one, traffic.event, BAR.switch);
    assert.equal(one.received, one.sent);
    assert.ok(one.hairPinned > 20, `${one.hairPinned} hair-pinned`);
    assert.deepEqual(sites(traffic, traffic.event), new Set(["a2"]));
  });

  it("all instances of both sites: refused by name, no loop", async () => {
    const down = [
      [HOP.first, "down"],
      [HOP.second, "down"],
    ] as const;
    const up = [
      [HOP.first, "up"],
      [HOP.second, "up"],
    ] as const;
    const traffic = await ladder.traffic(async () => {
      await ladder.tell("e2", { type: "health", states: down });
      const at = now();
      await ladder.sends(200);
      await ladder.tell("e2", { type: "health", states: up });
      await ladder.tell("e1", { type: "health", states: up });
      await ladder.sends(100);
      return at;
    });
    const one = account(traffic);
    table.row("all instances of both sites (refused)", one, traffic.event);
    assert.ok(one.named > 50 && one.hairPinned > 50, `${one.named} refused, ${one.hairPinned} hair-pinned`);
    for (const name of ["i1", "i2"] as const)
      await ladder.tell(name, {
        type: "apply",
        operations: [{ type: "set-slots", group: 1, slots: slots([HOP.e1, HOP.e2]), backup: HOP.e2 }],
      });
  });

  it("the control plane of an ingress, kill -9 and a new one, three times: nothing", async () => {
    const traffic = await ladder.traffic(async () => {
      const at = now();
      for (let i = 0; i < 3; i++) {
        await ladder.kill("i1");
        await ladder.sends(100);
        await ladder.startRouter("i1");
      }
      return at;
    });
    const one = account(traffic);
    table.row("ingress: control plane kill -9 and new program, 3 times", one, traffic.event, 0);
    assert.equal(one.received, one.sent);
  });

  it("the link to an egress: its carrier is lost", async () => {
    ladder.clientBy("i2");
    const end = { from: "i2", link: "i2", by: "bfd of e1", back: LINK_BACK } as const;
    table.row("the link to an egress (carrier lost)", await cutting(ladder, end), undefined, BAR.link);
  });

  it("an egress: BFD, 10 ms × 3", async () => {
    const end = { from: "i1", link: "core", by: "own bfd", back: EGRESS_BACK } as const;
    const one = await cutting(ladder, end);
    table.row(`an egress (BFD 10 ms × 3; ${one.unanswered} frames unanswered)`, one, undefined, BAR.silent);
  });

  it("the control plane of the ingress, kill -9, and then an egress: the pass misses its heartbeats", async () => {
    const first = async () => {
      await ladder.kill("i1");
      await ladder.sends(400);
    };
    const one = await cutting(ladder, { from: "i1", link: "core", by: "heartbeats", first, back: EGRESS_BACK });
    table.row("ingress: control plane kill -9, then an egress (heartbeats)", one, undefined, BAR.silent);
  });

  combinedFailures(() => ladder, table);

  it("an ingress: the other one sends every flow to the instance that had it", async () => {
    const restore = async () => {
      await ladder.mend("i1", "core");
      await ladder.startRouter("i1");
    };
    const traffic = await ladder.traffic(async () => {
      await ladder.sends(300);
      const at = now();
      ladder.clientBy("i2"); // what routing does when i1 is gone
      await ladder.kill("i1");
      ladder.cut("i1", "core");
      await ladder.sends(300);
      return at;
    }, restore);
    const owners = new Map<number, Set<string>>();
    for (const { flow, site, instance } of traffic.arrivals)
      owners.set(flow, (owners.get(flow) ?? new Set()).add(`${site} ${instance}`));
    const moved = [...owners.values()].filter(({ size }) => size > 1).length;
    assert.equal(moved, 0, `${moved} of ${owners.size} flows moved`);
    const one = account(traffic);
    table.row(
      `an ingress (its clients' routing goes to the other one; 0 of ${owners.size} flows)`,
      one,
      traffic.event,
      0,
    );
    assert.equal(one.received, one.sent);
  });
});

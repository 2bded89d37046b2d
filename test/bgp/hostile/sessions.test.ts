import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { seconds } from "../../../src/base/index.ts";
import { SeededRandom } from "../../sim/seeded-random.ts";
import type { Kind } from "./case.ts";
import { mangledSession } from "./mangled.ts";
import { simulated } from "./stage.ts";

const KINDS: readonly Kind[] = ["internal", "external", "old", "paths"];
const ROUNDS = 12;
const EACH = 10;

describe("whole sessions in which anything may be wrong, while another session stands", () => {
  it("each ends or goes on as if nothing had been; nothing is left of it", async (t) => {
    const random = new SeededRandom();
    t.diagnostic(`sessions: seed ${random.seed}`);
    const kinds = KINDS.flatMap((kind) => Array<Kind>(EACH).fill(kind));
    const stage = await simulated(t, { kinds, peer: { idleHold: seconds(1), maximumBackOff: seconds(1) } });
    const { router } = stage;
    const sets = router.rib.attributes.size;
    const status = (i: number) => router.peer(stage.addressOf(i));
    const seen = { established: 0, notified: 0, ended: 0 };
    for (let round = 0; round < ROUNDS; round++) {
      const peers = await Promise.all(kinds.map((_, i) => stage.connect(i)));
      const stories = kinds.map((kind) => mangledSession(kind, random));
      const longest = Math.max(...stories.map(({ length }) => length));
      for (let piece = 0; piece < longest; piece++) {
        for (const [i, peer] of peers.entries()) {
          const octets = stories[i]![piece];
          if (octets !== undefined && peer.closed === undefined) peer.say(octets);
        }
        let passed = 0;
        await stage.settle("a moment", () => passed++ > 0);
      }
      let passed = 0;
      await stage.settle("what came to be read", () => passed++ > 20);
      for (const [i, peer] of peers.entries()) {
        if (status(i).state === "Established") seen.established++;
        if (peer.notifications.length > 0) seen.notified++;
        if (peer.closed !== undefined) seen.ended++;
        assert.ok(peer.notifications.length <= 1, `one NOTIFICATION at most: ${peer.notifications}`);
      }
      stage.assertInnocent();
      for (const peer of peers) await peer.close();
      await stage.settle("no routes", () => kinds.every((_, i) => status(i).routesReceived === 0));
      let rest = 0;
      await stage.settle("the idle hold time of all", () => rest++ > 400);
    }
    assert.equal(router.rib.attributes.size, sets, "no attribute set is left");
    const told = JSON.stringify(seen);
    t.diagnostic(`${ROUNDS * kinds.length} sessions: ${told}`);
    assert.ok(seen.established > 20 && seen.notified > 20, told);
  });
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FOREIGN, type ForeignName, isInstalled, ROLES, type Role } from "../../lab/brownfield/foreign.ts";
import type { BrownfieldFacts } from "../../lab/brownfield/story.ts";
import { toldStory, whyNoRouters } from "./story-run.ts";

/** One role of each program is enough for every day; both with BROWNFIELD_ROLES=all. */
const EVERY_DAY: Readonly<Record<ForeignName, Role>> = { frr: "reflector", bird: "transit", gobgp: "reflector" };
const rolesOf = (peer: ForeignName): readonly Role[] =>
  process.env.BROWNFIELD_ROLES === "all" ? ROLES : [EVERY_DAY[peer]];

function whyNot(peer: ForeignName): string | undefined {
  const reason = whyNoRouters();
  if (reason !== undefined) return reason;
  const { program, debianPackage } = FOREIGN[peer];
  return isInstalled(peer) ? undefined : `skipped: ${program} is missing (apt-get install ${debianPackage})`;
}

// Side by side: a lab waits most of its time, for timers of BGP.
describe("capability requests through a router that knows nothing of capabilities", { concurrency: true }, () => {
  for (const peer of Object.keys(FOREIGN) as ForeignName[]) {
    for (const role of rolesOf(peer)) {
      it(`${FOREIGN[peer].name} as ${role}`, { skip: whyNot(peer), timeout: 180_000 }, async () => {
        const name = `st-brown-${peer}-${role}-${process.pid}`;
        const seen = await toldStory<BrownfieldFacts>("brownfield", name, ["--peer", peer, "--role", role]);
        assert.deepEqual([seen.peer, seen.role], [peer, role]);
        assert.deepEqual(Object.keys(seen.answers).sort(), ["upper-a", "upper-b"]);
        assert.deepEqual(Object.keys(seen.tunnelled).sort(), ["fd00:ffff::2", "fd00:ffff::3"]);
        assert.equal(seen.plain !== undefined, FOREIGN[peer].forwards);
        assert.deepEqual([seen.agentDied.failedLater, seen.siteLost.failedLater], [0, 0]);
        // A router that does not know the communities carries them all the same: 1392508929 is 0x53000001.
        assert.ok(seen.said.some(({ lines }) => lines.some((line) => line.includes("1392508929"))));
      });
    }
  }
});

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { FOREIGN, type ForeignName, isInstalled, ROLES, type Role } from "../../lab/brownfield/foreign.ts";
import type { BrownfieldFacts } from "../../lab/brownfield/story.ts";
import { toldStory, whyNoRouters } from "./story-run.ts";

const README = readFileSync(new URL("../../lab/brownfield/README.md", import.meta.url), "utf8");
/** When the lease ends, in minutes since the epoch (0x53000010). */
const LEASE_END = "1392508944";

/** The large communities in what a program prints, each written in the same way; the one that tells the time is left out. */
function marksOf(text: string): Set<string> {
  const found = text.matchAll(/\b(\d+)(?::|, )(13925\d{5})(?::|, )(\d+)\b/g);
  return new Set([...found].filter(([, , type]) => type !== LEASE_END).map(([, ...parts]) => parts.join(":")));
}

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
      it(`${FOREIGN[peer].name} as ${role}`, { skip: whyNot(peer), timeout: 180_000 }, async ({ signal }) => {
        const name = `st-brown-${peer}-${role}-${process.pid}`;
        const seen = await toldStory<BrownfieldFacts>("brownfield", name, ["--peer", peer, "--role", role], signal);
        assert.deepEqual([seen.peer, seen.role], [peer, role]);
        assert.deepEqual(Object.keys(seen.answers).sort(), ["upper-a", "upper-b"]);
        assert.deepEqual(Object.keys(seen.tunnelled).sort(), ["fd00:ffff::2", "fd00:ffff::3"]);
        assert.equal(seen.plain !== undefined, FOREIGN[peer].forwards);
        assert.deepEqual([seen.agentDied.failedLater, seen.siteLost.failedLater], [0, 0]);
        // A router that does not know the communities carries them all the same: 1392508929 is 0x53000001.
        const said = seen.said.map(({ lines }) => lines.join("\n")).join("\n");
        // What the README shows of the route of r2 is what is printed now.
        const ofOthers = /:[03]\/128/;
        const lines = said.split("\n").filter((text) => !ofOthers.test(text));
        const marks = marksOf(lines.join("\n"));
        assert.ok(marks.size >= 8, said);
        const shown = marksOf(README);
        assert.deepEqual(
          [...marks].filter((mark) => !shown.has(mark)),
          [],
        );
        const written = /^ *((?:Extended )?Community: .*)$/gm;
        for (const [, text] of said.matchAll(written)) {
          if (role === "reflector") assert.ok(README.includes(text!), `not in the README: ${text}`);
        }
      });
    }
  }
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { whyNoPass } from "./bench.ts";
import { AT, Lab, UDP_EQUAL, UDP_ONCE } from "./lab.ts";

/** Less the headers of IPv6 and UDP. */
const dataOf = (octets: number): string => String(octets - 48);

test("jumbo frames: packets of 8 900 octets go through a tunnel and back whole, at tc, where links have an MTU of 9 000", async (t) => {
  const reason = process.getuid?.() === 0 ? whyNoPass() : "network namespaces need root";
  if (reason !== undefined) {
    t.skip(`skipped: ${reason}`);
    return;
  }
  await using lab = await Lab.start({ coreMtu: 9000, edgeMtu: 9000, coreHook: "tc", edgeHook: "tc" });
  const counts = async () => [await lab.verdicts("r1"), await lab.verdicts("r2")] as const;
  const before = await counts();
  // A capability that takes no fragments: whatever arrives came in one piece.
  for (const octets of [8900, 8960]) {
    const done = await lab.run("client", process.execPath, "--eval", UDP_EQUAL, AT.dns, "8", dataOf(octets));
    assert.equal(done.stdout.trim(), "8 of 8 equal", done.stderr);
  }
  const after = await counts();
  // what was slow was asked again
  for (const [router, verdict] of [
    [0, "encapsulated"],
    [1, "delivered"],
    [1, "returned"],
  ] as const)
    assert.ok(after[router][verdict] - before[router][verdict] >= 16, verdict);
  assert.equal(after[0]["drop-fragment"], before[0]["drop-fragment"]);
  // One octet more does not fit the core link with the tunnel's header: the client is told.
  await lab.run("client", process.execPath, "--eval", UDP_ONCE, AT.dns, "53", dataOf(8961));
  assert.ok((await lab.verdicts("r1"))["reject-too-big"] > after[0]["reject-too-big"]);
});

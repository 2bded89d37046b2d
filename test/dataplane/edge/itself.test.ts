import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { whyNoPass } from "../pass/bench.ts";
import { AT, Lab } from "../pass/lab.ts";
import { download } from "../pass/lab-agent.ts";

const FIVE_MEGABYTES = 5 * 1024 * 1024;
const sha256 = (octets: Uint8Array) => createHash("sha256").update(octets).digest("hex");

function whyNoLab(): string | undefined {
  if (process.getuid?.() !== 0) return "network namespaces need root";
  for (const tool of ["ip", "nsenter", "curl", "tcpdump"])
    if (spawnSync(tool, ["-V"]).error) return `${tool} is not installed`;
  return whyNoPass();
}

const UDP_ONCE = `
  const socket = require("node:dgram").createSocket("udp6");
  socket.send("x", Number(process.argv[2]), process.argv[1], () => socket.close());
`;

test("the edge through veth", async (t) => {
  const reason = whyNoLab();
  if (reason !== undefined) return t.skip(`skipped: ${reason}`);
  await using lab = await Lab.start({ coreMtu: 1600, coreHook: "tc", edgeHook: "tc" });
  const folder = mkdtempSync(join(tmpdir(), "st-edge-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const curl = (...words: string[]) =>
    lab.run("near", "curl", "-g", "-sS", "--fail", "--max-time", "30", "--noproxy", "*", ...words);

  await t.test("an agent calls a capability that it serves itself: 5 MB down", async () => {
    const file = join(folder, "down");
    const done = await curl("-o", file, `http://[${AT.here}]/${FIVE_MEGABYTES}`);
    assert.equal(done.code, 0, done.stderr);
    const got = spawnSync("sha256sum", [file], { encoding: "utf8" }).stdout.split(" ")[0];
    assert.equal(got, sha256(download(FIVE_MEGABYTES)));
  });

  await t.test("and 5 MB up; the caller is seen as the router", async () => {
    const file = join(folder, "up");
    writeFileSync(file, download(FIVE_MEGABYTES));
    const done = await curl("-H", "Expect:", "--data-binary", `@${file}`, `http://[${AT.here}]/`);
    assert.equal(done.code, 0, done.stderr);
    assert.equal(done.stdout, `${sha256(download(FIVE_MEGABYTES))} ${AT.r1}`);
    const { "edge-to-itself": out, "edge-from-itself": back } = await lab.verdicts("r1");
    assert.ok(out > 100 && back > 100, `${out} out, ${back} back`);
  });

  await t.test("what the kernel says about an agent that is not there names the capability", async () => {
    await lab.run("r1", "sysctl", "-qw", "net.ipv6.neigh.near.retrans_time_ms=100");
    const words = ["-i", "r1", "-n", "-l", "--immediate-mode", "icmp6[0] < 128"];
    const capture = lab.launch("client", "tcpdump", ...words);
    let seen = "";
    capture.stdout!.setEncoding("utf8").on("data", (text: string) => {
      seen += text;
    });
    await once(capture.stderr!, "data");
    await lab.run("client", process.execPath, "--eval", UDP_ONCE, AT.gone, "53");
    const late = AbortSignal.timeout(10_000);
    while (!seen.includes("\n")) await once(capture.stdout!, "data", { signal: late });
    assert.match(seen, new RegExp(`IP6 ${AT.gone} > ${AT.client}: ICMP6, destination unreachable`));
    assert.ok(!seen.includes(AT.nobody), seen);
    assert.ok((await lab.verdicts("r1"))["edge-error-restored"] > 0);
  });
});

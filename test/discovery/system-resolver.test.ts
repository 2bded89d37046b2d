import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "node:test";
import { formatIpv6 } from "../../src/base/index.ts";
import { OCR, taxonomy } from "../directory/samples.ts";

/** In namespaces of its own: loopback up, our resolv.conf over the system's, the server on port 53, then the questions. */
const SCRIPT = `
set -e
ip link set lo up
mount --bind "$1/resolv.conf" /etc/resolv.conf
"$2" "$3" > "$1/ready" & server=$!
trap 'kill $server' EXIT
for i in $(seq 200); do grep -q ready "$1/ready" && break; kill -0 $server; sleep 0.05; done
getent hosts ocr.vision.cap.acme.example.net
getent ahosts OCR.Vision.cap.acme.example.net
getent ahosts tts.audio.cap.acme.example.net || echo "unknown: $?"
`;

it("the C library's resolver, which is what curl asks, gets the capability's address", async (t) => {
  const isolated = spawnSync("unshare", ["-n", "-m", "true"]);
  if (isolated.status !== 0) return t.skip("skipped: namespaces need root");
  const folder = await mkdtemp(join(tmpdir(), "semrd-dns-"));
  t.after(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, "resolv.conf"), "nameserver ::1\noptions timeout:2 attempts:2\n");
  await writeFile(join(folder, "ready"), "");
  const fixture = join(import.meta.dirname, "resolver-fixture.ts");
  const script = ["-n", "-m", "sh", "-c", SCRIPT, "sh", folder, process.execPath, fixture];
  const run = spawnSync("unshare", script, { encoding: "utf8", timeout: 30_000 });
  assert.equal(run.status, 0, run.stderr);
  const address = formatIpv6(taxonomy().address("acme", OCR, 1)!);
  const found = run.stdout.split("\n").filter((line) => line.startsWith(`${address} `));
  assert.equal(found.length, 4, run.stdout); // hosts: one line; ahosts: STREAM, DGRAM and RAW
  assert.match(run.stdout, /^unknown: 2$/m);
});

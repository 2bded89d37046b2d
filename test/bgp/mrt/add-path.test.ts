import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "node:test";
import { promisify } from "node:util";
import { parseIpv6Prefix } from "../../../src/base/index.ts";
import { decodeTableDump, MrtFramer, tableSnapshot } from "../../../src/bgp/mrt/index.ts";
import { AttributeCodec, DEFAULT_DIALECT } from "../../../src/bgp/wire/index.ts";
import { systemClock } from "../../../src/host/index.ts";
import { A, B, C, Scene } from "../speaker/scene.ts";
import { setSample } from "../wire/samples.ts";

const run = promisify(execFile);
const D = "2001:db8::d";

it("paths with identifiers are dumped as RFC 8050 has them, and bgpdump reads them", async (t) => {
  const scene = new Scene(t);
  const client = { reflectorClient: true };
  const plain = [{ family: "ipv6-unicast" }] as const;
  const all = [{ family: "ipv6-unicast", addPath: { send: "all", receive: true } }] as const;
  await scene.router({
    address: A,
    identifier: "10.0.0.1",
    peers: [
      { address: B, families: plain, ...client },
      { address: D, families: plain, ...client },
      { address: C, families: all, ...client },
    ],
  });
  const b = await scene.router({ address: B, identifier: "10.0.0.2", peers: [{ address: A, families: plain }] });
  const d = await scene.router({ address: D, identifier: "10.0.0.4", peers: [{ address: A, families: plain }] });
  const c = await scene.router({ address: C, identifier: "10.0.0.3", peers: [{ address: A, families: all }] });
  for (const router of [b, d]) {
    const { semantic: _, localPref: _l, ...set } = setSample({ nextHop: router.nextHop });
    router.speaker.originateUnicast({ family: "ipv6-unicast", ...parseIpv6Prefix("2001:db8:7::/48")! }, set);
  }
  scene.until("both paths", () => [...c.rib.unicast("ipv6-unicast").rowsOf({})].length === 2);

  const chunks: Uint8Array[] = [];
  const options = { view: "adj-rib-in", families: ["ipv6-unicast"] } as const;
  const codec = new AttributeCodec(DEFAULT_DIALECT);
  for await (const chunk of tableSnapshot(options, { rib: c.rib, codec, clock: systemClock })) chunks.push(chunk);
  const octets = Buffer.concat(chunks);
  const framer = new MrtFramer();
  framer.feed(octets);
  framer.next();
  const record = framer.next();
  assert.ok(record.kind === "record");
  assert.equal(record.subtype, 10, "RIB_IPV6_UNICAST_ADDPATH");
  const answer = decodeTableDump(record.subtype, record.body);
  assert.ok(answer.kind === "route");
  const ids = answer.route.paths.map(({ pathId }) => pathId);
  assert.equal(new Set(ids).size, 2, `${ids}`);

  if (!existsSync("/usr/bin/bgpdump")) return t.skip("skipped: bgpdump is missing (apt-get install bgpdump)");
  const where = await mkdtemp(join(tmpdir(), "semrd-mrt-"));
  t.after(() => rm(where, { recursive: true, force: true }));
  await writeFile(join(where, "rib.mrt"), octets);
  const { stdout } = await run("bgpdump", ["-v", "-m", join(where, "rib.mrt")]);
  const prefixes = stdout
    .trim()
    .split("\n")
    .map((line) => line.split("|")[5]);
  assert.deepEqual(prefixes, ["2001:db8:7::/48", "2001:db8:7::/48"]);
  return undefined;
});

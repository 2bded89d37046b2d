import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "node:test";
import { toHex } from "../../../src/base/index.ts";
import { encodeMessage, IPV6_UNICAST, MessageType } from "../../../src/bgp/wire/index.ts";
import { systemClock } from "../../../src/host/index.ts";
import { fairTime } from "../../host/fair-time.ts";
import { Puppet } from "../speaker/puppet.ts";
import { RecordedLog } from "../speaker/router.ts";
import { A, B, Scene } from "../speaker/scene.ts";
import { updateBody } from "../wire/samples.ts";
import { dissect, TSHARK } from "./capture.ts";
import { TestStation, watching } from "./world.ts";

const REACH = "800e1f 0002 01 10 20010db8000000000000000000000005 00 20 20010001 20 20010002";
const update = (more: string): Uint8Array =>
  updateBody(`${REACH} 40010100 400200 40050400000064 ${more}`.replaceAll(" ", ""));
/** As on the wire. */
const whole = (body: Uint8Array): string => toHex(encodeMessage(MessageType.Update, body));

it("messages as they came, and those that were malformed, with their mark in front (RFC 7854 §4.7)", async (t) => {
  const [all, errors] = [await TestStation.open(t), await TestStation.open(t)];
  const told = watching(
    [
      { name: "all", port: all.port, tables: ["mirrored"] },
      { name: "errors", port: errors.port, tables: ["mirrored-errors"] },
    ],
    systemClock,
    new RecordedLog(),
  );
  t.after(() => told.monitor[Symbol.asyncDispose]());
  const scene = new Scene(t);
  const a = await scene.router({
    ...{ address: A, identifier: "10.0.0.1", observer: told.observer },
    peers: [{ address: B, passive: true, families: [{ family: "ipv6-unicast" }] }],
  });
  const puppet = await Puppet.up(scene, [IPV6_UNICAST]);
  const end = fairTime.now() + 10_000;
  const until = async (what: string, done: () => boolean): Promise<void> => {
    while (!done()) {
      assert.ok(fairTime.now() < end, what);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  await until("stations", () => told.monitor.stations().every(({ state }) => state === "up"));
  const [good, bad] = [update("c00804 0000fde8"), update("c00803 0000fd")];
  for (const body of [good, bad]) puppet.update(body);
  scene.clock.advance(100);
  const mirrored = (station: TestStation) => station.said.filter(({ type }) => type === "mirroring");
  await until("both", () => mirrored(all).length >= 2 && mirrored(errors).length === 1);
  const updates = mirrored(all).map(({ tlvs }) => tlvs);
  assert.deepEqual(updates.slice(-2), [[[0, whole(good)]], [[0, whole(bad)]]]);
  assert.deepEqual(
    mirrored(errors).map(({ tlvs }) => tlvs),
    [
      [
        [1, "0000"],
        [0, whole(bad)],
      ],
    ],
  );
  assert.equal(mirrored(errors)[0]!.peer, "20010db800000000000000000000000b");
  assert.ok(
    all.said.every(({ type }) => type !== "route-monitoring"),
    "nothing else was asked for",
  );
  assert.equal(a.peer().treatedAsWithdraw, 1);

  if (!existsSync(TSHARK)) return t.diagnostic("skipped: tshark is missing (apt-get install tshark)");
  const folder = await mkdtemp(join(tmpdir(), "semrd-mirror-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const { rows } = await dissect(join(folder, "errors.pcap"), errors.octets, errors.port, ["bmp.type"]);
  assert.deepEqual(
    rows.map(([type]) => type).filter((type) => type === "6"),
    ["6"],
    "Route Mirroring",
  );
  return undefined;
});

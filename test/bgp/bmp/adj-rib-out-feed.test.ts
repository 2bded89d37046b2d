import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { milliseconds } from "../../../src/base/index.ts";
import { tellOutgoing } from "../../../src/bgp/bmp/adj-rib-out-feed.ts";
import type { RouteFamily } from "../../../src/rib/index.ts";

const FAMILIES: readonly RouteFamily[] = ["capability", "ipv6-unicast"];

/** Two tables of three parts each; a part takes so many milliseconds to say. */
function feed({ takes = 0 } = {}) {
  let now = 0;
  const told: string[] = [];
  const station = { room: 100, more: 100, asked: 0, leavesAt: Number.POSITIVE_INFINITY };
  const octet = (text: string): Uint8Array => Buffer.from(text);
  const table = (family: RouteFamily) => ({
    say(from: number, take: (message: Uint8Array) => void) {
      now += takes;
      take(octet(`${family} ${from}`));
      return from === 3 ? 0 : from + 1;
    },
  });
  const peer = {
    session: { told: new Map(FAMILIES.map((family) => [family, table(family)])) },
    sent: (update: Uint8Array, at: number) => octet(`${Buffer.from(update)} at ${at}`),
  };
  const done = tellOutgoing.bind(
    undefined,
    peer,
    { clock: { monotonic: () => milliseconds(now) }, writer: { endOfRib: (family) => octet(`${family} end`) } },
    {
      write(message) {
        told.push(`${Buffer.from(message)}`);
        station.room--;
      },
      hasRoom: () => station.room > 0,
      isWanted: () => told.length < station.leavesAt,
      async room() {
        station.asked++;
        station.room = station.more;
      },
    },
  );
  return { told, station, done };
}

const ALL = FAMILIES.flatMap((family) => [1, 2, 3, "end"].map((part) => `${family} ${part} at 0`));

describe("what a neighbour has been told, for a station (RFC 8671 §5.1)", () => {
  it("comes table by table, each with its end, in one turn where that is short", async () => {
    const { told, station, done } = feed();
    await done();
    assert.deepEqual([told, station.asked], [ALL, 0]);
  });

  it("waits where there is no room, and goes on from there", async () => {
    const { told, station, done } = feed();
    station.room = 1;
    station.more = 2;
    await done();
    assert.deepEqual([told, station.asked], [ALL, 3]);
  });

  it("gives others a turn after 3 ms", async () => {
    const { told, station, done } = feed({ takes: 2 });
    await done();
    assert.deepEqual([told, station.asked], [ALL, 2], "once in each table, before its last part");
  });

  it("ends without an end mark when nobody listens any more", async () => {
    const { told, station, done } = feed();
    station.leavesAt = 6;
    await done();
    assert.deepEqual(told, ALL.slice(0, 6));
  });
});

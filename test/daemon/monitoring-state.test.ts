import assert from "node:assert/strict";
import { after, before, it } from "node:test";
import { loadNative, type YangContext } from "../../native/index.ts";
import { milliseconds } from "../../src/base/index.ts";
import type { ControlParts } from "../../src/daemon/control.ts";
import { cacheState, stationState } from "../../src/daemon/state/monitoring.ts";
import type { BmpStationRow, RpkiCacheRow, StateSource } from "../../src/management/index.ts";
import { openSchema } from "../../src/management/yang/schema.ts";

let model: YangContext;
before(async () => {
  model = await openSchema(loadNative().yang);
});
after(() => model[Symbol.asyncDispose]());

const NOW = Date.parse("2026-11-21T12:00:00Z");
const clock = { wall: () => milliseconds(NOW) } as ControlParts["clock"];

async function rowsOf(source: StateSource) {
  const rows = [];
  for await (const row of source.rows(source.path)) rows.push(row);
  return rows;
}

/** What a source says, read back through the model: it has to be of it. */
async function read(source: StateSource, container: string, list: string): Promise<Record<string, unknown>[]> {
  const rows = (await rowsOf(source)).map(({ path, value }) => ({
    ...path.at(-1)!.keys,
    ...(value as object),
  }));
  const document = { "semrd-router:router": { [container]: { [list]: rows } } };
  await using tree = await model.parse(JSON.stringify(document), "json", { validate: false, state: true });
  const whole = JSON.parse(await model.print(tree, "json"));
  return whole["semrd-router:router"][container][list];
}

it("a cache that says who may originate prefixes, and one that was never reached (RFC 8210)", async () => {
  const intervals = { refreshSeconds: 3600, retrySeconds: 600, expireSeconds: 7200 };
  const near: RpkiCacheRow = {
    ...{ name: "near", address: "fd00::5", port: 323, preference: 1, state: "synchronised", version: 1 },
    ...{ sessionId: 7, serial: 4_000_000_000, vrps: "400000", counts: true, ...intervals },
    ...{ updatedSecondsAgo: 60, connections: "2", failures: "1" },
  };
  const far: RpkiCacheRow = {
    ...{ name: "far", address: "fd00::6", port: 323, preference: 2, state: "down", version: 1 },
    ...{ vrps: "0", counts: false, ...intervals, connections: "0", failures: "9", lastError: "ECONNREFUSED" },
  };
  const parts = { clock, rpki: { caches: () => [near, far] } } as unknown as ControlParts;
  const caches = await read(cacheState(parts), "semrd-rpki:rpki", "cache");
  // Lists come sorted from libyang 3.
  const [first, second] = ["near", "far"].map((name) => caches.find((cache) => cache.name === name));
  const times = { "refresh-interval": 3600, "retry-interval": 600, "expire-interval": 7200 };
  assert.deepEqual(first, {
    name: "near",
    state: {
      ...{ "session-state": "synchronised", "protocol-version": 1, "session-id": 7, "serial-number": 4_000_000_000 },
      ...{
        vrps: 400_000,
        "in-use": true,
        ...times,
        "last-update": "2026-11-21T11:59:00.000+00:00",
        connections: 2,
        failures: 1,
      },
    },
  });
  const failing = { "session-state": "down", "protocol-version": 1, vrps: 0, "in-use": false, ...times };
  assert.deepEqual(second, {
    name: "far",
    state: { ...failing, connections: 0, failures: 9, "last-error": "ECONNREFUSED" },
  });
});

it("a station that is told of sessions and routes (RFC 7854)", async () => {
  const row: BmpStationRow = {
    ...{ name: "noc", address: "fd00::7", port: 1790, state: "telling", connectedSecondsAgo: 3, tables: ["loc-rib"] },
    ...{ peers: 4, messages: "12345678901", octets: "99", queued: "17", resyncs: "2", connections: "3", failures: "1" },
  };
  const parts = { clock, bmp: { rows: () => [row] } } as unknown as ControlParts;
  const [station, ...more] = await read(stationState(parts), "semrd-bmp:bmp", "station");
  assert.deepEqual(
    [station, more],
    [
      {
        name: "noc",
        state: {
          ...{ "session-state": "telling", connected: "2026-11-21T11:59:57.000+00:00", neighbors: 4 },
          ...{ "messages-sent": "12345678901", "octets-sent": "99", "octets-queued": "17", resyncs: 2 },
          ...{ connections: 3, failures: 1 },
        },
      },
      [],
    ],
  );
});

it("a router without either says nothing of them", async () => {
  const parts = { clock } as unknown as ControlParts;
  for (const source of [cacheState(parts), stationState(parts)]) assert.deepEqual(await rowsOf(source), []);
});

import { fromHex } from "../../../base/index.ts";
import { DataplaneError } from "../../error.ts";
import type { DatabaseClient, DatabaseOperation, Row } from "./client.ts";

/** The bridge as it should be. */
export interface BridgeOptions {
  readonly name: string;
  readonly datapathType: "netdev" | "system";
  /** Of the bridge's own interface; stays the same whatever ports come and go. */
  readonly mac: Uint8Array;
  /** Names of its VXLAN ports, and the UDP port of each. */
  readonly tunnels: Readonly<Record<string, number>>;
  /** Names of the interfaces that are its ports. */
  readonly ports: readonly string[];
}

export interface BridgePort {
  /** Number in OpenFlow; there once the switch has opened the interface. */
  readonly number: number | undefined;
  readonly mac: Uint8Array | undefined;
  /** What the switch says about an interface that it cannot open. */
  readonly error: string | undefined;
}

const MARK = "semrd";
/** A VLAN of its own, so that plain Ethernet is never flooded into the tunnel. */
const TUNNEL_VLAN = 4094;
const map = (pairs: Readonly<Record<string, string>>) => ["map", Object.entries(pairs)];
const set = (uuids: readonly unknown[]) => ["set", uuids];
const named = (name: string) => [["name", "==", name]];

/** Interface names have at most 15 characters. */
export const tunnelPortName = (bridge: string): string => `${bridge.slice(0, 12)}-vx`;
/** For what came out of a tunnel itself: from the other port it could not leave by that one. */
export const hairPinPortName = (bridge: string): string => `${bridge.slice(0, 12)}-hp`;

/**
 * Makes the bridge so, in one transaction; what is so already is left alone. Resolves once the switch has done it.
 * @throws {DataplaneError} `dataplane.foreign-bridge`: there is one of that name which semrd did not make
 */
export async function arrangeBridge(database: DatabaseClient, wanted: BridgeOptions): Promise<void> {
  const bridge = await ownBridge(database, wanted.name);
  const present = await portsOf(database, bridge);
  const operations: DatabaseOperation[] = [];
  const added: unknown[] = [];
  const add = (name: string, networkInterface: Row, port: Row): void => {
    const id = `n${operations.length}`;
    operations.push(
      { op: "insert", table: "Interface", row: { name, ...networkInterface }, "uuid-name": `i${id}` },
      {
        op: "insert",
        table: "Port",
        row: { name, interfaces: ["named-uuid", `i${id}`], ...port },
        "uuid-name": `p${id}`,
      },
    );
    added.push(["named-uuid", `p${id}`]);
  };
  if (!present.has(wanted.name)) add(wanted.name, { type: "internal" }, {});
  for (const [tunnel, udpPort] of Object.entries(wanted.tunnels)) {
    const options = map({
      ...{ remote_ip: "flow", key: "flow", local_ip: "flow", dst_port: String(udpPort) },
      ...{ csum: "true", tos: "inherit" },
    });
    if (!present.has(tunnel)) add(tunnel, { type: "vxlan", options }, { tag: TUNNEL_VLAN });
    else operations.push({ op: "update", table: "Interface", where: named(tunnel), row: { options } });
  }
  for (const name of wanted.ports) if (!present.has(name)) add(name, {}, { protected: true });
  const keep = new Set([wanted.name, ...Object.keys(wanted.tunnels), ...wanted.ports]);
  const gone = [...present].filter(([name]) => !keep.has(name)).map(([, uuid]) => uuid);
  operations.push(...bridgeOperations(bridge, wanted, added, gone));
  await carryOut(database, operations);
}

/**
 * The bridge of that name, `undefined` when there is none.
 * @throws {DataplaneError} `dataplane.foreign-bridge`: there is one of that name which semrd did not make
 */
export async function ownBridge(database: DatabaseClient, name: string): Promise<Row | undefined> {
  const [bridge] = await database.select("Bridge", named(name));
  if (bridge !== undefined && textMap(bridge.external_ids).get(MARK) === undefined)
    throw new DataplaneError(
      { code: "dataplane.foreign-bridge", bridge: name },
      `the Open vSwitch has a bridge ${name} that semrd did not make: choose another name (dataplane/ovs/bridge), or delete it`,
    );
  return bridge;
}

function bridgeOperations(
  bridge: Row | undefined,
  wanted: BridgeOptions,
  added: readonly unknown[],
  gone: readonly unknown[],
): DatabaseOperation[] {
  const row = {
    datapath_type: wanted.datapathType,
    fail_mode: "secure",
    other_config: map({
      hwaddr: Buffer.from(wanted.mac)
        .toString("hex")
        .replace(/(..)(?=.)/g, "$1:"),
    }),
  };
  if (bridge === undefined)
    return [
      {
        ...{ op: "insert", table: "Bridge", "uuid-name": "bridge" },
        row: { name: wanted.name, ...row, external_ids: map({ [MARK]: "made" }), ports: set(added) },
      },
      {
        ...{ op: "mutate", table: "Open_vSwitch", where: [] },
        mutations: [["bridges", "insert", set([["named-uuid", "bridge"]])]],
      },
    ];
  return [
    { op: "update", table: "Bridge", where: named(wanted.name), row },
    {
      ...{ op: "mutate", table: "Bridge", where: named(wanted.name) },
      mutations: [
        ["ports", "insert", set(added)],
        ["ports", "delete", set(gone)],
      ],
    },
  ];
}

/** Takes the bridge out of the switch. @throws {Error} the database's own words */
export async function removeBridge(database: DatabaseClient, name: string): Promise<void> {
  const [bridge] = await database.select("Bridge", named(name), ["_uuid"]);
  if (bridge === undefined) return;
  await carryOut(database, [
    {
      ...{ op: "mutate", table: "Open_vSwitch", where: [] },
      mutations: [["bridges", "delete", set([bridge._uuid])]],
    },
  ]);
}

async function carryOut(database: DatabaseClient, operations: readonly DatabaseOperation[]): Promise<void> {
  const results = await database.transact([
    ...operations,
    { op: "mutate", table: "Open_vSwitch", where: [], mutations: [["next_cfg", "+=", 1]] },
    { op: "select", table: "Open_vSwitch", where: [], columns: ["next_cfg"] },
  ]);
  const rows = results.at(operations.length + 1)?.rows as readonly Row[] | undefined;
  const next = rows?.[0]?.next_cfg;
  if (typeof next !== "number") throw new Error("the database has no row of Open_vSwitch: ovs-vsctl init makes one");
  await database.waitFor(next);
}

/** What the switch made of its ports. */
export async function bridgePorts(
  database: DatabaseClient,
  names: readonly string[],
): Promise<ReadonlyMap<string, BridgePort>> {
  const rows = await database.select("Interface", [], ["name", "ofport", "mac_in_use", "error"]);
  const wanted = new Set(names);
  const found = new Map<string, BridgePort>();
  for (const { name, ofport, mac_in_use: mac, error } of rows)
    if (typeof name === "string" && wanted.has(name))
      found.set(name, {
        number: typeof ofport === "number" && ofport > 0 ? ofport : undefined,
        mac: typeof mac === "string" ? fromHex(mac) : undefined,
        error: typeof error === "string" ? error : undefined,
      });
  return found;
}

async function portsOf(database: DatabaseClient, bridge: Row | undefined): Promise<ReadonlyMap<string, unknown>> {
  if (bridge === undefined) return new Map();
  const uuids = new Set(setOf(bridge.ports).map((uuid) => JSON.stringify(uuid)));
  const rows = await database.select("Port", [], ["_uuid", "name"]);
  return new Map(
    rows
      .filter(({ _uuid: uuid }) => uuids.has(JSON.stringify(uuid)))
      .map(({ name, _uuid: uuid }) => [String(name), uuid]),
  );
}

/** A set column: one value stands for itself. @see RFC 7047 §5.1 */
export function setOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value) && value[0] === "set" && Array.isArray(value[1])) return value[1];
  return value === undefined ? [] : [value];
}

function textMap(value: unknown): ReadonlyMap<string, string> {
  if (!Array.isArray(value) || value[0] !== "map" || !Array.isArray(value[1])) return new Map();
  return new Map(value[1] as [string, string][]);
}

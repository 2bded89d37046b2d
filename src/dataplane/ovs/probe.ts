import { messageOf } from "../../base/index.ts";
import { DataplaneError } from "../error.ts";
import { ownBridge, setOf } from "./database/bridge.ts";
import { DatabaseClient } from "./database/client.ts";
import type { OvsOptions } from "./driver.ts";

/** Held by the switch as long as it runs. @see ovs-vswitchd(8) */
const LOCK_OF_SWITCH = "ovs_vswitchd";

/** @throws {DataplaneError} `dataplane.no-switch`: nobody listens at the socket, or this process may not */
export async function connectDatabase(path: string): Promise<DatabaseClient> {
  try {
    return await DatabaseClient.connect(path);
  } catch (cause) {
    throw new DataplaneError(
      { code: "dataplane.no-switch", path },
      `no Open vSwitch answers at ${path} (${messageOf(cause)}): start openvswitch-switch, or set dataplane/ovs/database`,
      { cause },
    );
  }
}

/**
 * Looks whether a data plane could be started with this Open vSwitch; changes nothing in it.
 * @throws {DataplaneError} `dataplane.no-switch`, `dataplane.foreign-bridge`
 */
export async function probeOvs({ database: path, bridge, datapathType }: OvsOptions): Promise<void> {
  using database = await connectDatabase(path);
  const noSwitch = (message: string): DataplaneError =>
    new DataplaneError({ code: "dataplane.no-switch", path }, message);
  const [row] = await database.select("Open_vSwitch");
  if (row === undefined)
    throw noSwitch(
      `the database at ${path} has no row of Open_vSwitch: ovs-vsctl init makes one, or start openvswitch-switch`,
    );
  if (!(await database.isLocked(LOCK_OF_SWITCH)))
    throw noSwitch(`ovsdb-server answers at ${path}, but no ovs-vswitchd works with it: start openvswitch-switch`);
  const types = setOf(row.datapath_types);
  if (types.length > 0 && !types.includes(datapathType))
    throw noSwitch(
      `the Open vSwitch at ${path} has no datapath of the type ${datapathType} (it has ${types.join(", ")}): set dataplane/ovs/datapath-type`,
    );
  await ownBridge(database, bridge);
}

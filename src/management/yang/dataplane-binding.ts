import path from "node:path";
import { milliseconds, seconds } from "../../base/index.ts";
import type { DataplaneConfiguration } from "../configuration/types.ts";
import type { RouterInstance } from "./instance.ts";
import { bindTunnel } from "./tunnel-binding.ts";

type DataplaneInstance = RouterInstance["semrd-dataplane:dataplane"];

export function bindDataplane(dataplane: DataplaneInstance, folder: string): DataplaneConfiguration {
  const { heartbeat, ovs, "passive-health": passive } = dataplane;
  const { driver, "pin-directory": pinDirectory, "fib-service": service } = dataplane;
  const { address: host, port, tls } = service;
  const executor = host === undefined ? undefined : { host, port, ...bindTls(tls, folder) };
  return {
    ...{ driver, pinDirectory },
    ...(driver === "ovs"
      ? { openVswitch: { database: ovs.database, bridge: ovs.bridge, datapathType: ovs["datapath-type"] } }
      : {}),
    ...(driver === "fib-service" && executor !== undefined ? { executor } : {}),
    hashSeed: dataplane["hash-seed"],
    tunnelMtu: dataplane["tunnel-mtu"],
    maxCapabilities: dataplane["max-capabilities"],
    clampMss: dataplane.tunnels["clamp-mss"],
    tunnels: (dataplane.tunnels.tunnel ?? []).map(bindTunnel),
    ...(passive === undefined ? {} : { passiveHealth: { failures: passive.failures, rest: seconds(passive.rest) } }),
    ...(heartbeat === undefined
      ? {}
      : { heartbeat: { interval: milliseconds(heartbeat.interval), multiplier: heartbeat.multiplier } }),
  };
}

function bindTls(
  tls: DataplaneInstance["fib-service"]["tls"],
  folder: string,
): Pick<NonNullable<DataplaneConfiguration["executor"]>, "tls"> {
  const { "certificate-file": certificate, "key-file": key, "ca-file": ca, "server-name": serverName } = tls ?? {};
  if (certificate === undefined || key === undefined || ca === undefined) return {};
  return {
    tls: {
      certificateFile: path.resolve(folder, certificate),
      keyFile: path.resolve(folder, key),
      caFile: path.resolve(folder, ca),
      ...(serverName === undefined ? {} : { serverName }),
    },
  };
}

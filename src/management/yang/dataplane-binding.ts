import { milliseconds, seconds } from "../../base/index.ts";
import type { DataplaneConfiguration } from "../configuration/dataplane.ts";
import type { Dataplane } from "../schema/instance/semrd-dataplane.ts";
import type { Stores } from "./keystore-binding.ts";
import { bindTunnel } from "./tunnel-binding.ts";

export function bindDataplane(dataplane: Dataplane, stores: Stores): DataplaneConfiguration {
  const { heartbeat, ovs, "passive-health": passive } = dataplane;
  const { driver, "pin-directory": pinDirectory, "fib-service": service } = dataplane;
  const { address: host, port, tls } = service;
  const executor = host === undefined ? undefined : { host, port, ...bindTls(tls, stores) };
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
  tls: Dataplane["fib-service"]["tls"],
  stores: Stores,
): Pick<NonNullable<DataplaneConfiguration["executor"]>, "tls"> {
  const { "asymmetric-key": asymmetricKey, "ca-certs": bag, "server-name": serverName } = tls ?? {};
  const [pair, caFiles] = [stores.keyPair(tls), stores.authorities(bag)];
  if (pair === undefined || caFiles === undefined) return {};
  return {
    tls: {
      ...{ ...pair, caFiles, names: { asymmetricKey: asymmetricKey!, bag: bag! } },
      ...(serverName === undefined ? {} : { serverName }),
    },
  };
}

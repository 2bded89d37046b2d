import { milliseconds, seconds } from "../../base/index.ts";
import type {
  BfdConfiguration,
  BgpConfiguration,
  FamilyConfiguration,
  ListenRangeConfiguration,
  NeighborConfiguration,
  NeighborSettingsConfiguration,
} from "../configuration/bgp.ts";
import type { Bgp, Family, GracefulRestart, Neighbor, Range } from "../schema/instance/semrd-bgp.ts";
import { bindBrownfield, bindNeighborBrownfield } from "./brownfield-binding.ts";
import type { Stores } from "./keystore-binding.ts";
import { type EffectiveSettings, effectiveSettings } from "./neighbor-inheritance.ts";
import { addressOf, prefixOf, routerIdOf, zonedOf } from "./values.ts";

export function bindBgp(bgp: Bgp, stores: Stores): BgpConfiguration {
  const restart = bgp["graceful-restart"];
  return {
    localAs: bgp["local-as"],
    address: addressOf(bgp.address),
    port: bgp.port,
    ...(bgp["cluster-id"] === undefined ? {} : { clusterId: routerIdOf(bgp["cluster-id"]) }),
    ...(bgp.confederation === undefined
      ? {}
      : {
          confederation: {
            identifier: bgp.confederation.identifier,
            members: bgp.confederation["member-as"] ?? [],
          },
        }),
    gracefulShutdown: bgp["graceful-shutdown"],
    ...(restart.enabled ? { gracefulRestart: bindGracefulRestart(restart) } : {}),
    brownfield: bindBrownfield(bgp["semrd-brownfield:brownfield"]),
    neighbors: (bgp.neighbors?.neighbor ?? []).map((neighbor) => bindNeighbor(neighbor, bgp, stores)),
    ranges: [
      ...(bgp["dynamic-neighbors"]?.range ?? []).map((range) => ({
        prefix: prefixOf(range.prefix),
        ...bindGuests(range, bgp, stores),
      })),
      ...(bgp["dynamic-neighbors"]?.interface ?? []).map((link) => ({
        ...{ prefix: LINK_LOCAL, interface: link.name },
        ...bindGuests(link, bgp, stores),
      })),
    ],
  };
}

function bindGracefulRestart(restart: GracefulRestart): NonNullable<BgpConfiguration["gracefulRestart"]> {
  const longLived = restart["long-lived-stale-time"];
  return {
    restartTime: seconds(restart["restart-time"]),
    ...(restart["keep-over-notification"] ? { keepOverNotification: true } : {}),
    ...(longLived === 0 ? {} : { longLivedStaleTime: seconds(longLived) }),
  };
}

function bindNeighbor(neighbor: Neighbor, bgp: Bgp, stores: Stores): NeighborConfiguration {
  const settings = effectiveSettings(neighbor, bgp);
  const remoteAs = settings["remote-as"]!; // a condition of the model that libyang has checked
  const { description, "semrd-brownfield:brownfield": brownfield } = neighbor;
  const families = settings.families?.family ?? [];
  return {
    ...zonedOf(neighbor.address),
    remoteAs,
    kind: remoteAs === bgp["local-as"] ? "internal" : "external",
    ...(description === undefined ? {} : { description }),
    ...bindSettings(settings, bgp, stores),
    families: bindFamilies(families, brownfield !== undefined),
    ...(brownfield === undefined
      ? {}
      : {
          brownfield: bindNeighborBrownfield(
            brownfield,
            families.map(({ name }) => name),
          ),
        }),
  };
}

/** @see RFC 4291 §2.5.6 */
const LINK_LOCAL = prefixOf("fe80::/10");

/** Who may come by itself, and what it has then. */
function bindGuests(
  range: Omit<Range, "prefix">,
  bgp: Bgp,
  stores: Stores,
): Omit<ListenRangeConfiguration, "prefix" | "interface"> {
  const { limit, "peer-group": group, "remote-as-type": type, "remote-as": own = [] } = range;
  const settings = effectiveSettings({ "peer-group": group }, bgp);
  const inherited = settings["remote-as"];
  return {
    limit,
    remoteAs: type ?? (own.length > 0 || inherited === undefined ? own : [inherited]),
    ...bindSettings(settings, bgp, stores),
  };
}

function bindSettings(
  settings: EffectiveSettings & { readonly "peer-group"?: string },
  bgp: Bgp,
  stores: Stores,
): NeighborSettingsConfiguration {
  const { role, multihop, "hold-time": holdTime, "keepalive-time": keepaliveTime } = settings;
  const { "delay-open": delayOpen, "send-hold-time": sendHoldTime, "local-address": localAddress } = settings;
  const { "shutdown-message": shutdownMessage, "peer-group": group, "ttl-security-hops": hops } = settings;
  const interval = settings["minimum-advertisement-interval"];
  return {
    ...(group === undefined ? {} : { group }),
    enabled: settings.enabled,
    ...(shutdownMessage === undefined ? {} : { shutdownMessage }),
    port: settings.port,
    ...(holdTime === 0 ? {} : { holdTime: seconds(holdTime) }),
    ...(keepaliveTime === undefined ? {} : { keepaliveTime: seconds(keepaliveTime) }),
    minimumHoldTime: seconds(settings["minimum-hold-time"]),
    connectRetry: seconds(settings["connect-retry"]),
    ...(delayOpen === undefined ? {} : { delayOpen: seconds(delayOpen) }),
    idleHoldTime: seconds(settings["idle-hold-time"]),
    maximumBackOff: seconds(settings["maximum-back-off"]),
    ...(sendHoldTime === undefined ? {} : { sendHoldTime: seconds(sendHoldTime) }),
    ...(interval === 0 ? {} : { advertisementInterval: seconds(interval) }),
    ...(localAddress === undefined ? {} : { localAddress: addressOf(localAddress) }),
    passive: settings.passive,
    nextHopSelf: settings["next-hop-self"],
    nextHopUnchanged: settings["next-hop-unchanged"],
    thirdPartyNextHop: settings["third-party-next-hop"],
    checkNextHop: settings["check-next-hop"],
    enforceFirstAs: settings["enforce-first-as"],
    allowOwnAs: settings["allow-own-as"],
    families: bindFamilies(settings.families?.family ?? [], false),
    routeServerClient: settings["route-server-client"],
    reflectorClient: settings["route-reflector-client"],
    ...(settings["cluster-id"] === undefined ? {} : { clusterId: routerIdOf(settings["cluster-id"]) }),
    clientToClient: settings["client-to-client-reflection"],
    ...(role === undefined
      ? {}
      : { role: { local: role.local, strict: role.strict, capabilityRoutes: role["capability-routes"] } }),
    extendedMessages: settings["extended-messages"],
    enhancedRouteRefresh: settings["enhanced-route-refresh"],
    softReconfiguration: settings["soft-reconfiguration"],
    md5Keys: (settings["md5-key"] ?? []).map(stores.symmetricKey),
    aoKeys: (settings["tcp-ao-key"] ?? []).map((key) => ({
      sendId: key["send-id"],
      receiveId: key["receive-id"],
      algorithm: key.algorithm,
      key: stores.symmetricKey(key["symmetric-key"]),
    })),
    ...(hops === undefined ? {} : { ttlSecurityHops: hops }),
    ...(multihop === undefined ? {} : { multihop }),
    importPolicy: settings["import-policy"] ?? [],
    exportPolicy: settings["export-policy"] ?? [],
    ...(settings.bfd.enabled ? { bfd: bindBfd(settings, bgp) } : {}),
  };
}

/** A neighbour with brownfield has IPv6 unicast as well. */
function bindFamilies(families: readonly Family[], isBrownfield: boolean): NeighborConfiguration["families"] {
  if (isBrownfield && families.every(({ name }) => name !== "ipv6-unicast")) {
    return [...bindFamilies(families, false), { family: "ipv6-unicast" }];
  }
  if (families.length === 0) return [{ family: "capability" }];
  return families.map((family) => {
    const { name, "maximum-routes": maximumRoutes, "warn-at": warnAtPercent, "restart-after": restart } = family;
    const { send, receive } = family["add-path"];
    return {
      family: name,
      ...(maximumRoutes === undefined ? {} : { maximumRoutes }),
      ...(warnAtPercent === undefined ? {} : { warnAtPercent }),
      ...(restart === undefined ? {} : { restartAfter: seconds(restart) }),
      ...(send === undefined && !receive ? {} : { addPath: { ...bindSend(send), receive } }),
      ...bindInterval(family["minimum-advertisement-interval"]),
      ...bindStaleTime(family["long-lived-stale-time"]),
    };
  });
}

function bindSend(send: "all" | number | undefined): Pick<NonNullable<FamilyConfiguration["addPath"]>, "send"> {
  return send === undefined ? {} : { send: send === "all" ? "all" : { best: send } };
}

function bindInterval(interval: number | undefined): Pick<FamilyConfiguration, "advertisementInterval"> {
  return interval === undefined ? {} : { advertisementInterval: seconds(interval) };
}

function bindStaleTime(time: number | undefined): Pick<FamilyConfiguration, "longLivedStaleTime"> {
  return time === undefined ? {} : { longLivedStaleTime: seconds(time) };
}

function bindBfd(neighbor: EffectiveSettings, bgp: Bgp): BfdConfiguration {
  const { bfd } = neighbor;
  return {
    multihop: neighbor["remote-as"] === bgp["local-as"] || neighbor.multihop !== undefined,
    desiredMinTx: milliseconds(bfd["desired-min-tx-ms"]),
    requiredMinRx: milliseconds(bfd["required-min-rx-ms"]),
    detectMultiplier: bfd["detect-multiplier"],
  };
}

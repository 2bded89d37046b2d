import { loadNative } from "../../native/index.ts";
import { type Clock, formatIpv6, type Log, type Metrics, parseIpv6 } from "../base/index.ts";
import { type BfdMonitor, type BfdMonitorParts, type BfdPath, type PathSwitch, startBfdMonitor } from "../bfd/index.ts";
import type { SessionChange } from "../bgp/speaker/index.ts";
import type { DataplaneDriver } from "../dataplane/index.ts";
import type { Operation } from "../forwarding/index.ts";
import type { BgpConfiguration, NeighborConfiguration } from "../management/index.ts";

/** Largest hop limit: what a packet has that comes from next door. */
const MAX_HOPS = 255;

/** How the path to a neighbour is watched; `undefined`: it is not. */
export function bfdPath(
  { address, bfd, ttlSecurityHops, enabled, localAddress }: NeighborConfiguration,
  bgp: BgpConfiguration,
): BfdPath | undefined {
  if (bfd === undefined || !enabled) return undefined;
  const minimumTtl = bfd.multihop && ttlSecurityHops !== undefined ? MAX_HOPS - ttlSecurityHops + 1 : undefined;
  return {
    peer: formatIpv6(address),
    local: formatIpv6(localAddress ?? bgp.address),
    multihop: bfd.multihop,
    ...(minimumTtl === undefined ? {} : { minimumTtl }),
    desiredMinTx: bfd.desiredMinTx,
    requiredMinRx: bfd.requiredMinRx,
    detectMultiplier: bfd.detectMultiplier,
  };
}

/** The way to a neighbour is the tunnel to it: the one whose locator is its address. */
function tunnelSwitch(driver: DataplaneDriver): PathSwitch {
  const tunnelTo = (peer: string) => driver.tunnelTo(parseIpv6(peer)!);
  return {
    binding(peer) {
      const index = tunnelTo(peer);
      return index === undefined ? undefined : driver.stateWord(index);
    },
    set(peer, state) {
      const index = tunnelTo(peer);
      if (index !== undefined) driver.setHealth(index, state);
    },
  };
}

/** A monitor of the neighbours that ask for BFD. Those that do not are known to it, too: it sets what an earlier process left. */
export function startBfd(
  bgp: BgpConfiguration,
  parts: {
    readonly driver: DataplaneDriver;
    readonly clock: Clock;
    readonly log: Log;
    readonly metrics: Metrics;
    readonly sessions: BfdMonitorParts["sessions"];
  },
): BfdMonitor {
  const paths = bgp.neighbors.flatMap((neighbor) => bfdPath(neighbor, bgp) ?? []);
  const { driver, ...others } = parts;
  return startBfdMonitor(paths, { ...others, bfd: loadNative().bfd, paths: tunnelSwitch(driver) });
}

/** The speaker's news in the words of the monitor. */
export function tellMonitor(monitor: BfdMonitor, change: SessionChange): void {
  if (change.type === "ended") {
    monitor.session(change.peer, { type: "ended", retained: change.retained });
    return;
  }
  const { local, remote } = change;
  monitor.session(change.peer, {
    type: "established",
    connection: change.restartAgreed && isKnown(local) && isKnown(remote) ? { local, remote } : undefined,
  });
}

/** An end that was gone before anybody could ask for its address has none. */
function isKnown({ address, port }: { readonly address: string; readonly port: number }): boolean {
  return parseIpv6(address) !== undefined && port !== 0;
}

/** Says of operations, before they are carried out, whether they change which tunnel is where. */
export function movesTunnels(driver: Pick<DataplaneDriver, "plan">, operations: readonly Operation[]): boolean {
  return operations.some((operation) => {
    if (operation.type === "set-next-hop") return operation.nextHop.kind === "tunnel";
    if (operation.type !== "remove-next-hop") return false;
    return driver.plan.plannedNextHop(operation.index)?.nextHop.kind === "tunnel";
  });
}

import { type InterfaceInfo, loadNative } from "../../native/index.ts";
import type { DataplaneDriver } from "../dataplane/index.ts";

type Port = DataplaneDriver["ports"][number];

export interface LinkStatus {
  readonly operStatus: "up" | "down";
  /** Of a link that is down: what is missing, and what to do. */
  readonly why?: string;
}

/** Whether the links of ports of this host are up, as the kernel has them now. `undefined`: there is no such interface here. */
export function linkStatus(ports: readonly Port[]): (port: Port) => LinkStatus | undefined {
  const here = ports.filter(isHere);
  const known = new Map(
    (here.length === 0 ? [] : loadNative().sock.interfaceList()).map((each) => [each.index, each] as const),
  );
  return (port) => {
    const found = isHere(port) ? known.get(port.ifindex) : undefined;
    return found && statusOf(found);
  };
}

/** An executor has interfaces of its own, and the memory data plane none. */
const isHere = ({ hook, ifindex }: Port): boolean => hook !== "executor" && ifindex > 0;

function statusOf({ name, up, running }: InterfaceInfo): LinkStatus {
  if (!up) return { operStatus: "down", why: `it is switched off: ip link set ${name} up` };
  if (!running) return { operStatus: "down", why: "it has no carrier: look at its cable, and at the other end" };
  return { operStatus: "up" };
}

export interface PortRow {
  readonly interface: string;
  readonly role: "core" | "client" | "agent";
  readonly tenant?: string;
  /** "xdp native", "xdp generic", "tcx", "clsact", "executor", "ovs", "routes" or "none". */
  readonly hook: string;
  /** Of its link: up where it is switched on and has carrier. Absent where the interface is not on this host. */
  readonly operStatus?: "up" | "down";
  readonly adopted: boolean;
  /** Programs of the edge beside the pass. */
  readonly edge?: readonly ("in" | "out")[];
  /** How often somebody took them off and they were put back. */
  readonly restored?: number;
  readonly reason?: string;
}

/** One capability address as the data plane has it. */
export interface FibRow {
  /** Also a prefix of addresses (`fd00:5e3d:0:1:1::/80`): where packets go for those that have no row of their own. */
  readonly address: string;
  /** Absent for an address that nothing in the control plane stands for any more. */
  readonly capability?: string;
  readonly tenant?: string;
  /** 0: known, but nobody serves it. */
  readonly group: number;
  readonly localGroup: number;
  readonly nextHops: readonly FibNextHop[];
}

export interface FibNextHop {
  readonly index: number;
  readonly kind: "tunnel" | "local" | "instance";
  /** `fd00:ffff::2`, `this router` or `[fd00:a:21::10]:8080`. */
  readonly towards: string;
  /** Of a tunnel that is no plain IPv6-in-IPv6: `VXLAN 7`, `segments fd00::8, fd00::9`. */
  readonly encapsulation?: string;
  readonly state: "down" | "up" | "draining";
  /** Slots it owns out of `slotCount`. */
  readonly slots: number;
  readonly slotCount: number;
  /** Slots that are in transition to it. */
  readonly slotsInTransition: number;
  /** It is the group's backup. */
  readonly backup: boolean;
  /** It is a member of the local group. */
  readonly localOnly: boolean;
}

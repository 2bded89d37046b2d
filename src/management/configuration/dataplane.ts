import type { Ipv6Address, Milliseconds, Seconds } from "../../base/index.ts";
import type { KeyPairFiles } from "./keystore.ts";

export interface DataplaneConfiguration {
  readonly driver: "auto" | "kernel" | "linux" | "ovs" | "memory" | "fib-service";
  /** Present where `driver` is `fib-service`. */
  readonly executor?: ExecutorConfiguration;
  /** Present where `driver` is `ovs`. */
  readonly openVswitch?: OpenVswitchConfiguration;
  readonly pinDirectory: string;
  readonly hashSeed: number;
  /** Octets. */
  readonly tunnelMtu: number;
  readonly maxCapabilities: number;
  /** The MSS of TCP through tunnels is lowered to what they carry. */
  readonly clampMss: boolean;
  readonly tunnels: readonly TunnelConfiguration[];
  /** Absent: nobody is judged by how it answers. */
  readonly passiveHealth?: { readonly failures: number; readonly rest: Seconds };
  /** Absent: none are sent. */
  readonly heartbeat?: { readonly interval: Milliseconds; readonly multiplier: number };
}

/** Another router that is not only reached by plain IPv6-in-IPv6. */
export interface TunnelConfiguration {
  readonly locator: Ipv6Address;
  readonly encapsulation: "ipv6" | "segments" | "vxlan";
  /** Before the router, the first one first. */
  readonly segments: readonly Ipv6Address[];
  /** Of VXLAN, also of what is accepted. */
  readonly vni?: number;
  /** Absent: made of the locator. */
  readonly innerMac?: Uint8Array;
}

/** The Open vSwitch of the host. */
export interface OpenVswitchConfiguration {
  readonly database: string;
  readonly bridge: string;
  readonly datapathType: "netdev" | "system";
}

/** Where somebody else's executor is, and how both ends know each other; without `tls` it is on this host. */
export interface ExecutorConfiguration {
  readonly host: string;
  readonly port: number;
  readonly tls?: KeyPairFiles & {
    readonly caFiles: readonly string[];
    readonly serverName?: string;
    /** Of the keystore and the truststore, by name. */
    readonly names: { readonly asymmetricKey: string; readonly bag: string };
  };
}

// biome-ignore-all format: generated from yang/*.yang by tools/generate-yang.mjs, not to be edited

export interface Dataplane {
  readonly driver: "auto" | "kernel" | "linux" | "ovs" | "memory" | "fib-service";
  readonly "pin-directory": string;
  readonly "hash-seed": number;
  readonly "tunnel-mtu": number;
  readonly "max-capabilities": number;
  readonly tunnels: Tunnels;
  readonly ovs: Ovs;
  readonly "fib-service": FibService;
  readonly "passive-health"?: PassiveHealth;
  readonly heartbeat?: Heartbeat;
}

export interface Tunnels {
  readonly "clamp-mss": boolean;
  readonly tunnel?: readonly Tunnel[];
}

export interface Tunnel {
  readonly locator: string;
  readonly encapsulation: "ipv6" | "segments" | "vxlan";
  readonly segment?: readonly string[];
  readonly vni?: number;
  readonly "inner-mac"?: string;
}

export interface Ovs {
  readonly database: string;
  readonly bridge: string;
  readonly "datapath-type": "netdev" | "system";
}

export interface FibService {
  readonly address?: string;
  readonly port: number;
  readonly tls?: Tls;
}

export interface Tls {
  readonly "asymmetric-key"?: string;
  readonly certificate?: string;
  readonly "ca-certs"?: string;
  readonly "server-name"?: string;
}

export interface PassiveHealth {
  readonly failures: number;
  readonly rest: number;
}

export interface Heartbeat {
  readonly interval: number;
  readonly multiplier: number;
}

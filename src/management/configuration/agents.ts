import type { CapabilityName, Ipv6Address, Milliseconds } from "../../base/index.ts";

export interface AgentConfiguration {
  readonly id: string;
  readonly tenant: string;
  readonly instances: readonly InstanceConfiguration[];
}

/** One configured endpoint of an agent, with what the taxonomy says about its capability. */
export interface InstanceConfiguration {
  readonly capability: CapabilityName;
  readonly version: { readonly major: number; readonly minor: number };
  readonly endpoint: { readonly address: Ipv6Address; readonly port: number; readonly protocol: "tcp" | "udp" };
  readonly servicePort: number;
  readonly weight: number;
  readonly labels: readonly string[];
  readonly check?: HealthCheckConfiguration;
}

interface HealthCheckTimes {
  readonly interval: Milliseconds;
  readonly timeout: Milliseconds;
  readonly fall: number;
  readonly rise: number;
}

export type HealthCheckConfiguration =
  | ({ readonly type: "tcp" } & HealthCheckTimes)
  | ({ readonly type: "http"; readonly path: string } & HealthCheckTimes);

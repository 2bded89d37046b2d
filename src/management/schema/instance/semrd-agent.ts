// biome-ignore-all format: generated from yang/*.yang by tools/generate-yang.mjs, not to be edited

export interface Agents {
  readonly agent?: readonly Agent[];
}

export interface Agent {
  readonly id: string;
  readonly tenant: string;
  readonly capability: readonly Capability[];
}

export interface Capability {
  readonly name: string;
  readonly "major-version": number;
  readonly address: string;
  readonly port: number;
  readonly "minor-version": number;
  readonly weight: number;
  readonly label?: readonly string[];
  readonly "health-check"?: HealthCheck;
}

export interface HealthCheck {
  readonly type: "tcp" | "http";
  readonly path?: string;
  readonly "interval-ms": number;
  readonly "timeout-ms": number;
  readonly fall: number;
  readonly rise: number;
}

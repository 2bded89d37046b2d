// biome-ignore-all format: generated from yang/*.yang by tools/generate-yang.mjs, not to be edited

export interface Telemetry {
  readonly "log-level": "error" | "warn" | "info" | "debug";
  readonly prometheus: Prometheus;
  readonly "flow-records"?: FlowRecords;
}

export interface Prometheus {
  readonly enabled: boolean;
  readonly address: string;
  readonly port: number;
}

export interface FlowRecords {
  readonly "flow-interval": number;
  readonly "refused-interval": number;
  readonly "active-timeout": number;
  readonly "idle-timeout": number;
  readonly "most-flows": number;
  readonly history: number;
  readonly collector?: readonly Collector[];
}

export interface Collector {
  readonly name: string;
  readonly address: string;
  readonly port: number;
}

// biome-ignore-all format: generated from yang/*.yang by tools/generate-yang.mjs, not to be edited

export interface Mrt {
  readonly "table-dump"?: readonly TableDump[];
  readonly "update-log"?: readonly UpdateLog[];
}

export interface TableDump {
  readonly name: string;
  readonly folder: string;
  readonly view: "loc-rib" | "adj-rib-in";
  readonly family?: readonly ("capability" | "ipv6-unicast" | "ipv4-unicast")[];
  readonly interval: number;
  readonly retain: number;
}

export interface UpdateLog {
  readonly name: string;
  readonly folder: string;
  readonly neighbor?: readonly string[];
  readonly interval: number;
  readonly "maximum-size": number;
  readonly retain: number;
}

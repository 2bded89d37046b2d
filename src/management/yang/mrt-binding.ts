import { seconds } from "../../base/index.ts";
import type { MrtConfiguration } from "../configuration/mrt.ts";

type FamilyName = "capability" | "ipv6-unicast" | "ipv4-unicast";

/** As libyang prints it with all defaults. */
export interface MrtInstance {
  readonly "table-dump"?: readonly {
    readonly name: string;
    readonly folder: string;
    readonly view: "loc-rib" | "adj-rib-in";
    readonly family?: readonly FamilyName[];
    readonly interval: number;
    readonly retain: number;
  }[];
  readonly "update-log"?: readonly {
    readonly name: string;
    readonly folder: string;
    readonly neighbor?: readonly string[];
    readonly interval: number;
    readonly "maximum-size": number;
    readonly retain: number;
  }[];
}

const ALL: readonly FamilyName[] = ["capability", "ipv6-unicast", "ipv4-unicast"];

export function bindMrt(mrt: MrtInstance | undefined): MrtConfiguration {
  return {
    tables: (mrt?.["table-dump"] ?? []).map(({ name, folder, view, family, interval, retain }) => ({
      name,
      folder,
      view,
      families: family ?? ALL,
      interval: seconds(interval),
      retain,
    })),
    updates: (mrt?.["update-log"] ?? []).map(({ name, folder, neighbor, interval, retain, ...sizes }) => ({
      name,
      folder,
      neighbors: neighbor ?? [],
      interval: seconds(interval),
      maximumOctets: sizes["maximum-size"],
      retain,
    })),
  };
}

import { seconds } from "../../base/index.ts";
import type { MrtConfiguration } from "../configuration/mrt.ts";
import type { Mrt } from "../schema/instance/semrd-mrt.ts";

type FamilyName = "capability" | "ipv6-unicast" | "ipv4-unicast";

const ALL: readonly FamilyName[] = ["capability", "ipv6-unicast", "ipv4-unicast"];

export function bindMrt(mrt: Mrt | undefined): MrtConfiguration {
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

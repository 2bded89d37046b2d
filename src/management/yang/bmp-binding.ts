import { seconds } from "../../base/index.ts";
import type { BmpConfiguration } from "../configuration/bmp.ts";
import type { Bmp } from "../schema/instance/semrd-bmp.ts";

export function bindBmp(bmp: Bmp | undefined): BmpConfiguration {
  return {
    stations: (bmp?.station ?? []).map(({ name, address, port, listen, table, neighbor, ...times }) => ({
      name,
      address,
      port,
      ...(listen === undefined ? {} : { listen }),
      connectRetry: seconds(times["connect-retry"]),
      tables: table ?? ["post-policy", "loc-rib"],
      neighbors: neighbor ?? [],
      ...(times["statistics-interval"] === 0 ? {} : { statisticsInterval: seconds(times["statistics-interval"]) }),
    })),
  };
}

import { seconds } from "../../base/index.ts";
import type { BmpConfiguration } from "../configuration/bmp.ts";

/** As libyang prints it with all defaults. */
export interface BmpInstance {
  readonly station?: readonly {
    readonly name: string;
    readonly address: string;
    readonly port: number;
    readonly listen?: string;
    readonly "connect-retry": number;
    readonly table?: readonly (
      | "pre-policy"
      | "post-policy"
      | "loc-rib"
      | "adj-rib-out-pre-policy"
      | "adj-rib-out-post-policy"
      | "mirrored"
      | "mirrored-errors"
    )[];
    readonly neighbor?: readonly string[];
    readonly "statistics-interval": number;
  }[];
}

export function bindBmp(bmp: BmpInstance | undefined): BmpConfiguration {
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

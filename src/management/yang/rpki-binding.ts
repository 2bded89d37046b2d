import type { RpkiConfiguration } from "../configuration/rpki.ts";

/** As libyang prints it with all defaults. */
export interface RpkiInstance {
  readonly cache?: readonly {
    readonly name: string;
    readonly address: string;
    readonly port: number;
    readonly preference: number;
  }[];
}

export function bindRpki(rpki: RpkiInstance | undefined): RpkiConfiguration {
  return {
    caches: (rpki?.cache ?? []).map(({ name, address, port, preference }) => ({ name, address, port, preference })),
  };
}

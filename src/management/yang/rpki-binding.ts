import type { RpkiConfiguration } from "../configuration/rpki.ts";
import type { Rpki } from "../schema/instance/semrd-rpki.ts";

export function bindRpki(rpki: Rpki | undefined): RpkiConfiguration {
  return {
    caches: (rpki?.cache ?? []).map(({ name, address, port, preference }) => ({ name, address, port, preference })),
  };
}

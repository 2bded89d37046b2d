import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Yang, YangContext } from "../../../native/api.ts";

const OURS = fileURLToPath(new URL("../../../yang/", import.meta.url));

/**
 * Where distributions keep the standard modules. libyang has `ietf-inet-types` and `ietf-yang-types`, the only ones our
 * modules import, inside itself too, so that none of these folders has to be there.
 */
const STANDARD = [
  "/usr/share/yang/modules/libyang", // Debian 12: libyang2; Debian 13, Ubuntu: libyang-modules, libyang2-modules
  "/usr/local/share/yang/modules/libyang", // libyang built from source
  "/usr/share/yuma/modules/ietf", // libyuma-base
];

/** The modules of a router's configuration; `semrd-types` is imported by them. */
export const CONFIGURATION_MODULES = [
  "semrd-router",
  "semrd-taxonomy",
  "semrd-tenant",
  "semrd-interface",
  "semrd-policy",
  "semrd-bgp",
  "semrd-brownfield",
  "semrd-registration",
  "semrd-agent",
  "semrd-discovery",
  "semrd-dataplane",
  "semrd-telemetry",
  "semrd-mrt",
  "semrd-rpki",
] as const;

/** Folders in which `.yang` files are looked for, ours first. */
export function searchPaths(): readonly string[] {
  return [OURS, ...STANDARD.filter((folder) => existsSync(folder))];
}

/**
 * A context with the configuration modules, for the caller to dispose.
 *
 * @throws {Error} naming the folders that were searched and what to install, when a module does not load.
 */
export async function openSchema(yang: Yang): Promise<YangContext> {
  const folders = searchPaths();
  try {
    return await yang.createContext(
      folders,
      CONFIGURATION_MODULES.map((name) => ({ name })),
    );
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(
      `the YANG modules do not load (${reason}); searched: ${folders.join(", ")}. ` +
        `Reinstall semrd for semrd-*.yang, and Debian's libyang2 (libyang-modules where there is one) for ietf-*.yang`,
      { cause },
    );
  }
}

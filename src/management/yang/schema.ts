import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Yang, YangContext, YangModule } from "../../../native/api.ts";

const OURS = fileURLToPath(new URL("../../../yang/", import.meta.url));

/** Where distributions keep the standard modules. */
const STANDARD = [
  "/usr/share/yang/modules/libyang", // Debian 12: libyang2; Debian 13, Ubuntu: libyang-modules, libyang2-modules
  "/usr/local/share/yang/modules/libyang", // libyang built from source
  "/usr/share/yuma/modules/ietf", // libyuma-base
  "/usr/share/yuma/modules/ietf-derived", // the same: RFC 5277 as modules
  "/usr/share/yuma/modules/netconfcentral", // and what those import
];

/** The modules of a router's configuration; `semrd-types` is imported by them. */
export const CONFIGURATION_MODULES = [
  "semrd-router",
  "semrd-keystore",
  "semrd-truststore",
  "semrd-taxonomy",
  "semrd-tenant",
  "semrd-tenant-policy",
  "semrd-interface",
  "semrd-ipv4",
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
  "semrd-bmp",
  "semrd-access",
  "semrd-netconf",
  "semrd-grpc-server",
  "semrd-rib",
  "semrd-events",
  "semrd-alarms",
  "semrd-netconf-state",
] as const;

/** What NETCONF adds: operations, and what its clients expect to find. All unchanged from the distribution. */
export const PROTOCOL_MODULES: readonly YangModule[] = [
  {
    name: "ietf-netconf",
    features: [
      "writable-running",
      "candidate",
      "confirmed-commit",
      "rollback-on-error",
      "validate",
      "startup",
      "xpath",
    ],
  },
  { name: "ietf-netconf-with-defaults" },
  { name: "ietf-netconf-monitoring" },
  { name: "ietf-netconf-nmda", features: ["origin", "with-defaults"] },
  { name: "ietf-origin" },
  { name: "ietf-datastores" }, // its identities are values of get-data
  { name: "ietf-netconf-notifications" },
  { name: "ietf-netconf-partial-lock" },
  { name: "notifications" },
  { name: "nc-notifications" },
  { name: "ietf-yang-library" },
];

/** State of the protocol, which `operational` has. */
const STATE_MODULES: readonly YangModule[] = [
  { name: "ietf-origin" }, // the attribute that says where configuration in use comes from
  { name: "ietf-netconf-monitoring" },
  { name: "ietf-datastores" },
  { name: "ietf-yang-library" },
];

/** Folders in which `.yang` files are looked for, ours first. */
export function searchPaths(): readonly string[] {
  return [OURS, ...STANDARD.filter((folder) => existsSync(folder))];
}

const OF_CONFIGURATION: readonly YangModule[] = [
  ...CONFIGURATION_MODULES.map((name) => ({ name })),
  { name: "ietf-netconf-acm" }, // who may do what: RFC 8341
  {
    name: "ietf-alarms", // RFC 8632
    features: [
      ...["alarm-history", "alarm-summary", "operator-actions"],
      ...["alarm-shelving", "alarm-profile", "severity-assignment"],
    ],
  },
  { name: "ietf-netconf-with-defaults" }, // the attribute that marks default values: RFC 6243 section 6
];

/**
 * A context with the configuration modules, for the caller to dispose.
 *
 * @throws {Error} naming the folders that were searched and what to install, when a module does not load.
 */
export const openSchema = (yang: Yang): Promise<YangContext> => open(yang, [...OF_CONFIGURATION, ...STATE_MODULES]);

/** As {@link openSchema}, with the operations of NETCONF. Its thread reads requests while the other one validates. */
export const openProtocolSchema = (yang: Yang): Promise<YangContext> =>
  open(yang, [...OF_CONFIGURATION, ...PROTOCOL_MODULES]);

async function open(yang: Yang, modules: readonly YangModule[]): Promise<YangContext> {
  const folders = searchPaths();
  try {
    return await yang.createContext(folders, modules);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(
      `the YANG modules do not load (${reason}); searched: ${folders.join(", ")}. ` +
        `Reinstall semrd for semrd-*.yang, and Debian's libyang2 (libyang-modules where there is one) and libyuma-base for ietf-*.yang`,
      { cause },
    );
  }
}

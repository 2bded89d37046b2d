import type { YangModuleState } from "../../../native/index.ts";

export const BASE_1_0 = "urn:ietf:params:netconf:base:1.0";
export const BASE_1_1 = "urn:ietf:params:netconf:base:1.1";

/** What this server can do, besides its modules. */
const FEATURES = [
  BASE_1_0,
  BASE_1_1,
  "urn:ietf:params:netconf:capability:writable-running:1.0",
  "urn:ietf:params:netconf:capability:candidate:1.0",
  "urn:ietf:params:netconf:capability:confirmed-commit:1.1",
  "urn:ietf:params:netconf:capability:rollback-on-error:1.0",
  "urn:ietf:params:netconf:capability:validate:1.1",
  "urn:ietf:params:netconf:capability:startup:1.0",
  "urn:ietf:params:netconf:capability:xpath:1.0",
  "urn:ietf:params:netconf:capability:partial-lock:1.0",
  "urn:ietf:params:netconf:capability:notification:1.0",
  "urn:ietf:params:netconf:capability:interleave:1.0",
  "urn:ietf:params:netconf:capability:with-defaults:1.0?basic-mode=explicit&also-supported=report-all,report-all-tagged,trim",
  "urn:ietf:params:netconf:capability:with-operational-defaults:1.0?basic-mode=report-all&also-supported=explicit,report-all-tagged,trim",
] as const;

/** @see RFC 8526 §2, RFC 7950 §5.6.4: a server of YANG 1.1 lists its modules in yang-library only */
const yangLibraryCapability = (contentId: string): string =>
  `urn:ietf:params:netconf:capability:yang-library:1.1?revision=2019-01-04&content-id=${encodeURIComponent(contentId)}`;

/** Modules of YANG 1 are in the list of the hello as well, for clients that know no yang-library. @see RFC 6020 §5.6.4 */
function moduleCapabilities(modules: readonly YangModuleState[]): string[] {
  return modules
    .filter(({ implemented }) => implemented)
    .map(({ namespace, name, revision, features }) => {
      const parts = [`module=${name}`];
      if (revision !== "") parts.push(`revision=${revision}`);
      if (features.length > 0) parts.push(`features=${features.join(",")}`);
      return `${namespace}?${parts.join("&")}`;
    });
}

export function serverCapabilities(contentId: string, modules: readonly YangModuleState[]): readonly string[] {
  return [...FEATURES, yangLibraryCapability(contentId), ...moduleCapabilities(modules)];
}

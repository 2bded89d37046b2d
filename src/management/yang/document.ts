import type { Router } from "../schema/instance/semrd-router.ts";
import type { AlarmsInstance } from "./alarms-binding.ts";
import type { NacmInstance } from "./nacm-binding.ts";

/** An instance document that libyang has validated and printed with all defaults (RFC 7951). Nothing outside `management/` sees one. */
export interface RouterDocument {
  readonly "semrd-router:router"?: Router;
  readonly "ietf-netconf-acm:nacm"?: NacmInstance;
  readonly "ietf-alarms:alarms"?: AlarmsInstance;
}

import { systemClock } from "../../../src/host/index.ts";
import { AccessBook, accessSchema } from "../../../src/management/index.ts";

/** The user `admin` may do everything: what a configuration has beside the router for tests that are not about access. */
export const ADMINS = {
  "ietf-netconf-acm:nacm": {
    groups: { group: [{ name: "admins", "user-name": ["admin"] }] },
    "rule-list": [{ name: "admins", group: ["admins"], rule: [{ name: "all", action: "permit" }] }],
  },
} as const;

/** Access control that is switched off. */
export function openAccess(): AccessBook {
  const defaults = { read: true, write: true, exec: true };
  const rules = { enabled: false, defaults, externalGroups: false, groups: [], ruleLists: [] };
  return new AccessBook(accessSchema([]), rules, systemClock);
}

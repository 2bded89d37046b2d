import { formatIpv6, type Ipv6Address, type Ipv6Prefix } from "../../base/index.ts";
import type { PortOptions } from "../driver.ts";
import { type Command, PROTOCOL, TUNNEL_TABLE, tenantTable, textOf } from "./commands.ts";

/** Order of our rules. The kernel's own first one, "local", goes between them: packets in tunnels are for it otherwise. */
const PREFERENCE = {
  knownRouter: 50,
  tunnel: 60,
  local: 100,
  source: 110,
  tenant: 120,
  stranger: 249,
  domain: 250,
} as const;

/** A rule as text without "rule add", for comparing and for carrying out. */
export type Rule = string;

const LOCAL: Rule = `pref ${PREFERENCE.local} lookup local`;

/** The rules that ports, routers and domain ask for. */
export function rulesFor(
  domain: Ipv6Prefix,
  locator: Ipv6Address,
  ports: readonly PortOptions[],
  nodes: Iterable<Ipv6Address>,
): Set<Rule> {
  const own = formatIpv6(locator);
  const ours = textOf(domain);
  const rules = new Set<Rule>([LOCAL, `pref ${PREFERENCE.tunnel} to ${own}/128 ipproto 41 blackhole`]);
  for (const node of nodes)
    rules.add(
      `pref ${PREFERENCE.knownRouter} from ${formatIpv6(node)}/128 to ${own}/128 ipproto 41 lookup ${TUNNEL_TABLE}`,
    );
  for (const { interface: name, role, tenantIndex, sources } of ports) {
    if (role === "core" && tenantIndex === 0 && sources === undefined) continue;
    // Agents answer from a capability's address
    for (const source of role === "agent" ? ["fe80::/10", "::/128"] : ["fe80::/10", "::/128", ours])
      rules.add(`pref ${PREFERENCE.source} from ${source} to ${ours} iif ${name} blackhole`);
    // The longest prefix first; without any, everybody
    for (const { prefix, tenantIndex: tenant } of sources ?? [{ prefix: undefined, tenantIndex }]) {
      const from = prefix === undefined ? "" : `from ${textOf(prefix)} `;
      const pref = PREFERENCE.tenant + 128 - (prefix?.length ?? 0);
      rules.add(`pref ${pref} ${from}to ${ours} iif ${name} lookup ${tenantTable(tenant)}`);
    }
    if (sources !== undefined) rules.add(`pref ${PREFERENCE.stranger} to ${ours} iif ${name} blackhole`);
  }
  rules.add(`pref ${PREFERENCE.domain} to ${ours} unreachable`);
  return rules;
}

/** What leads from rules that are there to those that should be: nothing goes before everything new is there. */
export function ruleChanges(present: ReadonlySet<Rule>, wanted: ReadonlySet<Rule>, localIsFirst: boolean): Command[] {
  const added = [...wanted].filter((rule) => !present.has(rule)).map((rule) => `rule add ${rule} protocol ${PROTOCOL}`);
  const gone = [...present].filter((rule) => !wanted.has(rule)).map((rule) => `rule del ${rule} protocol ${PROTOCOL}`);
  return [...added, ...(localIsFirst ? ["rule del pref 0 lookup local"] : []), ...gone];
}

/** Takes ours away; the kernel's own comes first again. */
export const ruleRemoval = (present: ReadonlySet<Rule>): Command[] => [
  "rule add pref 0 lookup local",
  ...Array.from(present, (rule) => `rule del ${rule} protocol ${PROTOCOL}`),
];

/** A rule as `ip -json rule` tells it. */
export interface ListedRule {
  readonly priority: number;
  readonly src?: string;
  readonly srclen?: number;
  readonly dst?: string;
  readonly dstlen?: number;
  readonly iif?: string;
  readonly ipproto?: string;
  readonly table?: string;
  readonly action?: string;
  readonly protocol?: string;
}

/** Those of the list that are ours, in our words, and whether the kernel's own is still the first of all. */
export function readRules(listed: readonly ListedRule[]): { readonly ours: Set<Rule>; readonly localIsFirst: boolean } {
  const ours = new Set(listed.filter(({ protocol }) => protocol === String(PROTOCOL)).map(textOfRule));
  return { ours, localIsFirst: listed.some(({ priority, table }) => priority === 0 && table === "local") };
}

function textOfRule({ priority, src, srclen, dst, dstlen, iif, ipproto, table, action }: ListedRule): Rule {
  const parts = [`pref ${priority}`];
  if (src !== undefined && src !== "all") parts.push(`from ${src}/${srclen ?? 128}`);
  if (dst !== undefined && dst !== "all") parts.push(`to ${dst}/${dstlen ?? 128}`);
  if (iif !== undefined) parts.push(`iif ${iif}`);
  if (ipproto !== undefined) parts.push(`ipproto ${ipproto === "ipv6" ? 41 : ipproto}`);
  parts.push(table !== undefined ? `lookup ${table}` : (action ?? ""));
  return parts.join(" ");
}

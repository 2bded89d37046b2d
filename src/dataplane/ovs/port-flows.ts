import type { Ipv6Prefix } from "../../base/index.ts";
import { TENANT_BITS } from "../../forwarding/index.ts";
import type { PortOptions } from "../driver.ts";
import { type SwitchFacts, verdictCookie } from "./next-hop-flows.ts";
import { type Action, output, PORT, resubmit, setField } from "./openflow/actions.ts";
import { FIELD, type FieldValue, is } from "./openflow/fields.ts";
import type { Flow } from "./openflow/flow.ts";
import { DOMAIN_BITS, ICMPV6_ERRORS, MATCH, REGISTER, TABLE, tenantPrefix } from "./tables.ts";

/** A port of the bridge that is a port of this router. */
export interface SwitchPort extends Pick<PortOptions, "role" | "tenantIndex" | "sources"> {
  readonly number: number;
  readonly mac: Uint8Array;
}

const MULTICAST = Uint8Array.of(1, 0, 0, 0, 0, 0);

/** What comes in on a port. @see dataplane/README.md, step 1 */
export function portFlows(port: SwitchPort, { address }: Ipv6Prefix, { stackMac }: SwitchFacts): Flow[] {
  const here = is(FIELD.inPort, port.number);
  const toDomain = MATCH.prefix(FIELD.ipv6Dst, address, DOMAIN_BITS);
  const flows: Flow[] = [
    { table: TABLE.port, priority: 300, match: [here, MATCH.tagged], actions: [resubmit(TABLE.stack)] },
    { table: TABLE.port, priority: 5, match: [here], actions: [resubmit(TABLE.stack)] },
    // Neighbours may know the interface by its own Ethernet address
    {
      table: TABLE.stack,
      priority: 10,
      match: [here, is(FIELD.ethDst, port.mac)],
      cookie: verdictCookie("passed"),
      actions: [resubmit(TABLE.neighbour), setField(is(FIELD.ethDst, stackMac)), output(PORT.local)],
    },
  ];
  if (port.role === "core") {
    const fromDomain = MATCH.prefix(FIELD.ipv6Src, address, DOMAIN_BITS);
    flows.push({
      table: TABLE.port,
      priority: 60,
      match: [here, MATCH.ipv6, fromDomain],
      actions: [resubmit(TABLE.stack)],
    });
    for (const type of ICMPV6_ERRORS)
      flows.push({
        table: TABLE.port,
        priority: 50,
        match: [here, ...MATCH.icmpv6(type), toDomain],
        actions: [resubmit(TABLE.local)],
      });
    if (port.tenantIndex === 0 && port.sources === undefined) return flows;
  }
  flows.push(...admission(port, address, here));
  if (port.role === "agent")
    flows.push({ table: TABLE.port, priority: 20, match: [here, MATCH.ipv6], actions: [resubmit(TABLE.back)] });
  return flows;
}

/** Whose packets to the domain are: the port's tenant's, or those of the longest prefix that the source is under. */
function admission({ sources, tenantIndex }: SwitchPort, domain: Uint8Array, here: FieldValue): Flow[] {
  const toDomain = [here, MATCH.ipv6, MATCH.prefix(FIELD.ipv6Dst, domain, DOMAIN_BITS)];
  const as = (tenant: number): Action[] => [setField(is(REGISTER.tenant, tenant)), resubmit(TABLE.source)];
  const tenants = new Set(sources === undefined ? [tenantIndex] : sources.map((source) => source.tenantIndex));
  const flows: Flow[] = [...tenants].map((tenant) => ({
    ...{ table: TABLE.tenant, priority: 10, actions: [resubmit(TABLE.policy)] },
    match: [
      ...[MATCH.ipv6, is(REGISTER.tenant, tenant)],
      MATCH.prefix(FIELD.ipv6Dst, tenantPrefix(domain, tenant), TENANT_BITS),
    ],
  }));
  if (sources === undefined)
    return [...flows, { table: TABLE.port, priority: 40, match: toDomain, actions: as(tenantIndex) }];
  for (const { prefix, tenantIndex: tenant } of sources) {
    const match = [...toDomain, MATCH.prefix(FIELD.ipv6Src, prefix.address, prefix.length)];
    flows.push({ table: TABLE.port, priority: 70 + prefix.length, match, actions: as(tenant) });
  }
  flows.push({ table: TABLE.port, priority: 40, match: toDomain, cookie: verdictCookie("drop-source"), actions: [] });
  return flows;
}

/** What the stack sends to many goes to every port. */
export const multicastFlow = (ports: readonly SwitchPort[]): Flow => ({
  table: TABLE.known,
  priority: 20,
  match: [is(FIELD.ethDst, MULTICAST, MULTICAST)],
  actions: ports.map(({ number }) => output(number)),
});

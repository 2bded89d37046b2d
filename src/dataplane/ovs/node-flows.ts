import type { Ipv6Prefix } from "../../base/index.ts";
import { lastLegAddress, type PlannedNode } from "../../forwarding/index.ts";
import { noteOf } from "../plan-note.ts";
import { type SwitchFacts, verdictCookie } from "./next-hop-flows.ts";
import { note, resubmit, setField } from "./openflow/actions.ts";
import { FIELD, is } from "./openflow/fields.ts";
import type { Flow } from "./openflow/flow.ts";
import { DOMAIN_BITS, LEG, MATCH, REGISTER, TABLE } from "./tables.ts";

/** Tunnelled packets are accepted from there, if any are: from its locator, and on their last leg. */
export function nodeFlows(node: PlannedNode, domain: Ipv6Prefix, facts: SwitchFacts): Flow[] {
  const { locator, vni } = node;
  const flows: Flow[] = [
    {
      ...{ table: TABLE.tunnel, priority: 5, match: [MATCH.ipv6, is(FIELD.tunnelIpv6Src, locator)] },
      ...{ cookie: verdictCookie("drop-vni"), actions: [note(noteOf({ type: "set-node", ...node }))] },
    },
  ];
  if (vni === undefined) return flows;
  const toUs = is(FIELD.tunnelIpv6Dst, facts.locator);
  const toDomain = MATCH.prefix(FIELD.ipv6Dst, domain.address, DOMAIN_BITS);
  for (const [source, leg] of [
    [locator, LEG.first],
    [lastLegAddress(locator), LEG.last],
  ] as const) {
    const numbered = [MATCH.ipv6, is(FIELD.tunnelIpv6Src, source), toUs, is(FIELD.tunnelId, vni)];
    flows.push(
      {
        ...{ table: TABLE.tunnel, priority: 20, match: [...numbered, toDomain] },
        actions: [setField(is(REGISTER.leg, leg)), resubmit(TABLE.source)],
      },
      {
        ...{ table: TABLE.tunnel, priority: 10, match: numbered, actions: [] },
        cookie: verdictCookie("drop-not-capability"),
      },
    );
  }
  return flows;
}

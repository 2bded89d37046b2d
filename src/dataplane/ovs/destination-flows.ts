import type { AggregateEntry, CapabilityEntry } from "../../forwarding/index.ts";
import { noteOf } from "../plan-note.ts";
import { type Action, group, note, resubmit, setField } from "./openflow/actions.ts";
import { FIELD, is } from "./openflow/fields.ts";
import type { Flow } from "./openflow/flow.ts";
import { GROUP, MATCH, REGISTER, TABLE } from "./tables.ts";

/** Above all prefixes. */
const EXACT = 128;

/** Where packets for a capability go, and the members here. */
export function capabilityFlows(entry: CapabilityEntry): Flow[] {
  const { address, localGroup } = entry;
  const match = [MATCH.ipv6, is(FIELD.ipv6Dst, address)];
  const flows: Flow[] = [
    {
      ...{ table: TABLE.capability, priority: EXACT, match },
      actions: [note(noteOf({ type: "set-capability", entry })), ...leads(entry)],
    },
  ];
  if (localGroup === 0) return flows;
  const choose = [setField(is(REGISTER.member, 1)), group(GROUP.served(localGroup))];
  return [...flows, { table: TABLE.member, priority: 10, match, actions: choose }];
}

/** Where packets go that no entry takes; the longest prefix counts. Never out of a tunnel. */
export const aggregateFlow = (aggregate: AggregateEntry): Flow => {
  const { address, length } = aggregate.prefix;
  return {
    ...{ table: TABLE.capability, priority: length },
    match: [MATCH.ipv6, MATCH.prefix(FIELD.ipv6Dst, address, length), is(REGISTER.elsewhere, 0)],
    actions: [note(noteOf({ type: "set-aggregate", aggregate })), ...leads(aggregate)],
  };
};

const leads = ({ group: index, policy = 0 }: Pick<CapabilityEntry, "group" | "policy">): Action[] => [
  ...(index === 0 ? [] : [setField(is(REGISTER.group, index))]),
  ...(policy === 0 ? [] : [setField(is(REGISTER.policy, policy))]),
  resubmit(TABLE.tenant),
];

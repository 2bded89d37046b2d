import { GROUP_SLOTS, type NextHopIndex, type PlannedGroup, type SlotOwner } from "../../forwarding/index.ts";
import { ENTRY, ledgerFlow } from "./ledger.ts";
import { choose } from "./next-hop-flows.ts";
import { group, resubmit, setField } from "./openflow/actions.ts";
import { is } from "./openflow/fields.ts";
import { addFlow, type Bucket, type Flow, type Numbered, removeFlow, removeGroup, setGroup } from "./openflow/flow.ts";
import { GROUP, MATCH, REGISTER, TABLE } from "./tables.ts";

type IsTunnel = (nextHop: NextHopIndex) => boolean;

/** Where a group leads: to other sites alone, here as well, or to none of them. */
type Reach = "others" | "both" | "here";

function reachOf({ slots, backup }: PlannedGroup, isTunnel: IsTunnel): Reach {
  const named = [backup, ...slots.flatMap(({ current, previous }) => [current, previous])].filter((one) => one !== 0);
  if (named.every(isTunnel)) return named.length === 0 ? "here" : "others";
  return slots.some(({ current }) => isTunnel(current)) || isTunnel(backup) ? "both" : "here";
}

/**
 * A group of the plan as the switch has it: its slots, what serves, who is elsewhere, and its entry in the ledger.
 * @param before as the switch has it, where it has
 */
export function groupMessages(
  index: number,
  {
    planned,
    before,
    held,
  }: { planned: PlannedGroup; before: PlannedGroup | undefined; held: ReadonlySet<number> | undefined },
  isTunnel: IsTunnel,
): Numbered[] {
  const { slots, backup } = planned;
  if (slots.length !== GROUP_SLOTS) throw new RangeError(`group ${index} has ${slots.length} slots`);
  const [reach, was] = [reachOf(planned, isTunnel), before && reachOf(before, isTunnel)];
  const messages = [
    setGroup(
      GROUP.slots(index),
      "select",
      slots.map((owner) => slotBucket(owner, held?.has(owner.slot) === true)),
    ),
    servedGroup(index, backup),
    addFlow(serveFlow(index)),
    addFlow(ledgerFlow(ENTRY.group, index, { type: "set-slots", group: index, slots, backup })),
  ];
  if (reach === "both") messages.push(...othersGroups(index, planned, isTunnel));
  if (reach !== "here") messages.push(addFlow(elsewhereFlow(index, reach === "both" ? GROUP.elsewhere : GROUP.served)));
  else if (was !== undefined && was !== "here") messages.push(removeFlow(elsewhereFlow(index, GROUP.served)));
  if (was === "both" && reach !== "both") messages.push(...removedOthers(index));
  return messages;
}

/** A group goes that nobody names any more. */
export function removeGroupMessages(index: number, before: PlannedGroup, isTunnel: IsTunnel): Numbered[] {
  const reach = reachOf(before, isTunnel);
  const messages = [removeFlow(serveFlow(index))];
  if (reach !== "here") messages.push(removeFlow(elsewhereFlow(index, GROUP.served)));
  if (reach === "both") messages.push(...removedOthers(index));
  const ledger = ledgerFlow(ENTRY.group, index, { type: "remove-group", group: index });
  return [...messages, removeGroup(GROUP.served(index)), removeGroup(GROUP.slots(index)), removeFlow(ledger)];
}

const removedOthers = (index: number): Numbered[] => [
  removeGroup(GROUP.elsewhere(index)),
  removeGroup(GROUP.others(index)),
];

/**
 * One slot of a group. @see dataplane/README.md, step 3
 * @param held new flows go to the former owner too: `Program` says when
 */
function slotBucket({ current, previous }: SlotOwner, held: boolean): Bucket {
  if (current === 0) return { watchGroup: GROUP.never, actions: [] };
  if (current === previous)
    return { watchGroup: GROUP.alive(current), actions: [choose(current), resubmit(TABLE.out)] };
  return {
    watchGroup: GROUP.alive(current),
    actions: [
      choose(current),
      setField(is(REGISTER.previous, previous)),
      ...(held ? [setField(is(REGISTER.held, 1))] : []),
      // A bucket's actions are a set: of two resubmits one would be left
      resubmit(TABLE.transition),
    ],
  };
}

/** The owners while one of them can be chosen, then the backup, then the refusal. */
function servedGroup(index: number, backup: NextHopIndex): Numbered {
  const buckets: Bucket[] = [{ watchGroup: GROUP.slots(index), actions: [group(GROUP.slots(index))] }];
  if (backup !== 0) buckets.push({ watchGroup: GROUP.alive(backup), actions: [choose(backup), resubmit(TABLE.out)] });
  buckets.push({ watchGroup: GROUP.always, actions: [resubmit(TABLE.nobody)] });
  return setGroup(GROUP.served(index), "first", buckets);
}

/** A group that was found to serve a capability. */
const serveFlow = (index: number): Flow => ({
  ...{ table: TABLE.serve, priority: 10, match: [MATCH.ipv6, is(REGISTER.group, index)] },
  actions: [group(GROUP.served(index))],
});

/** The same for what finds nobody here. */
const elsewhereFlow = (index: number, by: (index: number) => number): Flow => ({
  ...{ table: TABLE.elsewhere, priority: 10, match: [MATCH.ipv6, is(REGISTER.group, index)] },
  actions: [group(by(index))],
});

/** Slots of other sites, for what finds nobody here: each in proportion. */
function othersGroups(
  index: number,
  { slots, backup }: PlannedGroup,
  isTunnel: (nextHop: NextHopIndex) => boolean,
): Numbered[] {
  const owners = slots.map(({ current }) => current).filter(isTunnel);
  const slot = (owner: NextHopIndex): Bucket => ({
    ...{ watchGroup: GROUP.alive(owner), actions: [choose(owner), resubmit(TABLE.out)] },
  });
  const buckets: Bucket[] = [{ watchGroup: GROUP.others(index), actions: [group(GROUP.others(index))] }];
  if (isTunnel(backup)) buckets.push(slot(backup));
  buckets.push({ watchGroup: GROUP.always, actions: [resubmit(TABLE.nobody)] });
  return [
    setGroup(GROUP.others(index), "select", owners.map(slot)),
    setGroup(GROUP.elsewhere(index), "first", buckets),
  ];
}

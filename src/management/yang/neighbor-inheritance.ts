import type { Bgp, NeighborDefaults, PeerGroup } from "../schema/instance/semrd-bgp.ts";

type Times = Pick<PeerGroup, "hold-time" | "keepalive-time" | "connect-retry">;

/** What holds for a neighbour, wherever it is said. */
export type EffectiveSettings = NeighborDefaults & Times & Required<Pick<Times, "hold-time" | "connect-retry">>;

/** What a neighbour or a group says. */
type Level = Omit<PeerGroup, "name" | "description"> & { readonly "peer-group"?: string };

/** Who says one of them does not take over the other: it was chosen for the other one's place. */
const BELONG_TOGETHER = [
  ["hold-time", "keepalive-time"],
  ["ttl-security-hops", "multihop"],
  ["multihop", "ttl-security-hops"],
  ["md5-key", "tcp-ao-key"],
  ["tcp-ao-key", "md5-key"],
] as const satisfies readonly (readonly [keyof Level, keyof Level])[];

/** Who wants one of them does not want the other. */
const EXCLUDE_EACH_OTHER = [
  ["next-hop-self", "next-hop-unchanged"],
  ["next-hop-self", "third-party-next-hop"],
  ["next-hop-unchanged", "next-hop-self"],
  ["third-party-next-hop", "next-hop-self"],
] as const satisfies readonly (readonly [keyof Level, keyof Level])[];

/**
 * The settings of a neighbour or range with those of its group and of all neighbours behind them. Leaves win one by one,
 * those of BFD too; families, policies and a role are taken over as a whole. Pure.
 */
export function effectiveSettings<Own extends Level>(own: Own, bgp: Bgp): EffectiveSettings & Own {
  const { "hold-time": holdTime, "keepalive-time": keepaliveTime, "connect-retry": connectRetry } = bgp;
  const all = {
    ...bgp["neighbor-defaults"],
    "hold-time": holdTime,
    "connect-retry": connectRetry,
    ...(keepaliveTime === undefined ? {} : { "keepalive-time": keepaliveTime }),
  };
  const group = bgp["peer-groups"]?.["peer-group"]?.find(({ name }) => name === own["peer-group"]);
  if (group === undefined) return over(all, own);
  const { name: _, description: _text, ...settings } = group;
  return over(over(all, settings), own);
}

function over<Base extends EffectiveSettings, More extends Level>(base: Base, more: More): Base & More {
  const kept: Partial<Record<keyof Level, unknown>> = { ...base };
  for (const [said, dropped] of BELONG_TOGETHER) {
    if (more[said] !== undefined && more[dropped] === undefined) delete kept[dropped];
  }
  for (const [wanted, unwanted] of EXCLUDE_EACH_OTHER) if (more[wanted] === true) kept[unwanted] = false;
  const families = more.families?.family?.length ? more.families : base.families;
  return {
    ...kept,
    ...more,
    ...(families === undefined ? {} : { families }),
    bfd: { ...base.bfd, ...more.bfd },
  } as unknown as Base & More;
}

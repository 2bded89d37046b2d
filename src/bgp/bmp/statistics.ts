import type { Rib, RouteFamily } from "../../rib/index.ts";
import type { ObservedSession } from "../speaker/index.ts";
import { type AttributeCodec, wireFamily } from "../wire/index.ts";
import { type Statistic, StatisticType } from "./wire/index.ts";

export interface StatisticsParts {
  readonly rib: Pick<Rib, "table">;
  readonly codec: Pick<AttributeCodec, "dialect">;
}

/** Of what a neighbour is told, as far as a station wants to know. */
export interface ToldRoutes {
  /** Before export policy, by family. */
  readonly before: ReadonlyMap<RouteFamily, number> | undefined;
  /** Whether what is left after it is of interest. */
  readonly after: boolean;
}

/** What is counted of a neighbour, by type, and the tables of its session. */
export interface CountedPeer {
  readonly counters: ReadonlyMap<number, number>;
  readonly session: Pick<ObservedSession, "families" | "peerIndex"> & {
    readonly told: ReadonlyMap<RouteFamily, { readonly size: number }>;
  };
}

/** What a report says of a neighbour. @see RFC 7854 §4.8 */
export function peerStatistics(
  { counters, session }: CountedPeer,
  { before, after }: ToldRoutes,
  { rib, codec }: StatisticsParts,
): readonly Statistic[] {
  const { families, peerIndex, told } = session;
  const { AdjRibInRoutes, AdjRibInRoutesOfFamily } = StatisticType;
  const { AdjRibOutPreRoutes, AdjRibOutPreRoutesOfFamily } = StatisticType;
  const { AdjRibOutPostRoutes, AdjRibOutPostRoutesOfFamily } = StatisticType;
  const sizes = families.map((family) => [family, rib.table(family).pathsOf(peerIndex)] as const);
  const left = after ? Array.from(told, ([family, { size }]) => [family, size] as const) : undefined;
  return [
    ...Array.from(counters, ([type, value]) => ({ type, value })),
    ...gauges(AdjRibInRoutes, AdjRibInRoutesOfFamily, sizes, codec),
    ...(before === undefined ? [] : gauges(AdjRibOutPreRoutes, AdjRibOutPreRoutesOfFamily, before, codec)),
    ...(left === undefined ? [] : gauges(AdjRibOutPostRoutes, AdjRibOutPostRoutesOfFamily, left, codec)),
  ];
}

/** The same of this router. @see RFC 9069 §4.6 */
export function localStatistics(
  families: readonly RouteFamily[],
  { rib, codec }: StatisticsParts,
): readonly Statistic[] {
  const sizes = families.map((family) => [family, rib.table(family).routes] as const);
  return gauges(StatisticType.LocRibRoutes, StatisticType.LocRibRoutesOfFamily, sizes, codec);
}

/** All families together, then each. @see RFC 8671 §6.2 */
function gauges(
  all: number,
  ofFamily: number,
  sizes: Iterable<readonly [RouteFamily, number]>,
  { dialect }: StatisticsParts["codec"],
): readonly Statistic[] {
  const perFamily = Array.from(sizes, ([family, value]) => ({
    ...{ type: ofFamily, family: wireFamily(family, dialect), value },
  }));
  return [{ type: all, value: perFamily.reduce((sum, { value }) => sum + value, 0) }, ...perFamily];
}

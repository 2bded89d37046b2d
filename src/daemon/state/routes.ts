import { formatIpv6, isLinkLocal, type Moment, momentOf, toHex } from "../../base/index.ts";
import { isMappedIpv4 } from "../../bgp/wire/index.ts";
import type { StateSource } from "../../management/index.ts";
import type { PeerIndex, Rib, UnicastFamily } from "../../rib/index.ts";
import { type ControlParts, hasFamily } from "../control.ts";
import { judgedRoutes } from "../route-rows.ts";
import { present } from "../rows.ts";
import { nextHopText, shownPaths } from "../unicast-rows.ts";
import { dateAndTime, entry, place } from "./place.ts";

const RIB = place("semrd-router:router", "semrd-rib:ribs", "rib");
const CAPABILITY_PATH = [...RIB, { name: "semrd-rib:capability-path" }];
const PREFIX_PATH = [...RIB, { name: "semrd-rib:path" }];
const [AT_RIB, AT_PATH] = [2, 3];
const UNICAST: readonly UnicastFamily[] = ["ipv6-unicast", "ipv4-unicast"];

/** Tables of routes. A family that no neighbour has is not one of them. */
export function ribState(parts: ControlParts): readonly StateSource[] {
  const families = () => UNICAST.filter((family) => hasFamily(parts.configuration, family));
  const now = () => momentOf(parts.clock);
  return [
    {
      path: RIB,
      *rows() {
        yield { path: ribPath("capability"), value: { "route-count": parts.rib.capability.routes } };
        for (const family of families())
          yield { path: ribPath(family), value: { "route-count": parts.rib.unicast(family).routes } };
      },
    },
    {
      path: CAPABILITY_PATH,
      isBulk: true,
      *rows(wanted) {
        if ((wanted[AT_RIB]!.keys?.name ?? "capability") !== "capability") return;
        for (const { path, shown } of judgedRoutes(parts, now)) {
          const keys = { route: toHex(path.key), ...ends(parts.rib, path.peer, path.pathId) };
          yield {
            path: entry(CAPABILITY_PATH, { [AT_RIB]: NAMED.capability, [AT_PATH]: keys }),
            value: about(shown, path),
          };
        }
      },
    },
    {
      path: PREFIX_PATH,
      isBulk: true,
      *rows(wanted) {
        const name = wanted[AT_RIB]!.keys?.name;
        for (const family of families())
          if (name === undefined || name === family) yield* prefixRows(parts, family, now);
      },
    },
  ];
}

const NAMED = {
  capability: { name: "capability" },
  "ipv6-unicast": { name: "ipv6-unicast" },
  "ipv4-unicast": { name: "ipv4-unicast" },
} as const;

const ribPath = (name: keyof typeof NAMED) => entry(RIB, { [AT_RIB]: NAMED[name] });

function* prefixRows(parts: ControlParts, family: UnicastFamily, now: () => Moment) {
  const { rpki } = parts;
  const stateOf = rpki && ((...asked: Parameters<typeof rpki.stateOf>) => rpki.stateOf(...asked));
  for (const { path, shown } of shownPaths(parts.rib, family, now, stateOf)) {
    const keys = { prefix: shown.prefix, ...ends(parts.rib, path.peer, path.pathId) };
    const { localPref, multiExitDisc, rpki: rpkiState, step } = shown;
    yield {
      path: entry(PREFIX_PATH, { [AT_RIB]: NAMED[family], [AT_PATH]: keys }),
      value: {
        "next-hop": shown.nextHop.replace(/%.*$/, ""), // the interface is the neighbour's
        best: path.best,
        stale: path.stale,
        ...present({ step, "local-preference": localPref, med: multiExitDisc, "rpki-state": rpkiState }),
        "as-path": shown.asPath,
        community: shown.communities,
        "last-change": dateAndTime(path.since),
      },
    };
  }
}

/** Whom a path came from, and as which. */
function ends(rib: Rib, peer: PeerIndex, pathId: number | undefined) {
  return { peer: peer === 0 ? "local" : addressOf(rib, peer), "path-id": String(pathId ?? 0) };
}

function addressOf(rib: Rib, peer: PeerIndex): string {
  const found = rib.peer(peer);
  if (found === undefined) return `peer ${peer}`;
  if (isLinkLocal(found.address)) return found.name; // with its interface
  return isMappedIpv4(found.address) ? nextHopText(found.address) : formatIpv6(found.address);
}

type Judged = ReturnType<typeof judgedRoutes> extends Generator<infer One> ? One : never;

function about(shown: Judged["shown"], path: Judged["path"]) {
  const { semantic } = path.attributes;
  return {
    type: shown.type,
    subject: shown.capability,
    tenant: shown.tenant,
    origin: shown.origin,
    status: shown.status,
    weight: shown.weight,
    ...present({
      score: shown.score,
      "site-state": shown.siteState,
      version: shown.version,
      "lease-until": semantic && dateAndTime(semantic.lease.validUntil * 1000),
      step: shown.step,
      "local-preference": shown.localPref,
      med: shown.multiExitDisc,
    }),
    label: shown.labels,
    "next-hop": shown.nextHop,
    stale: shown.stale,
    "as-path": shown.asPath,
    community: shown.communities,
    "last-change": dateAndTime(path.since),
  };
}

import { type Clock, milliseconds, type Seconds, sameValue } from "../../base/index.ts";
import type { PeerIndex, RouteFamily, SessionKind } from "../../rib/index.ts";
import { mayPass, membershipImport } from "../policy/index.ts";
import type { Agreement, Side } from "../session/index.ts";
import { encodeRouteRefresh, RefreshSubtype, sameFamily, wireFamily } from "../wire/index.ts";
import { addPathOf, idLength, sentPaths } from "./add-path.ts";
import type { ExportGroup } from "./export-group.ts";
import { FamilyIntake, type IntakeTerms, type TakeResult } from "./family-intake.ts";
import { Intake } from "./intake.ts";
import { Membership } from "./membership.ts";
import type { PeerFamily, PeerOptions } from "./options.ts";
import { Output } from "./output.ts";
import { familiesOf, type PeerParts, roleFor, standingOf, updateLimit, WARN_AT_PERCENT } from "./peer-parts.ts";
import { isPrefixes, linkLocalFacts, linkOf, ownLinkLocal, ownNextHop } from "./session-link.ts";
import { OtherNeighbours } from "./told-sources.ts";
import { TooLargeLog } from "./too-large.ts";
import type { Connection } from "./transport.ts";

/** What a session has of its own, from Established to its end. */
export interface EstablishedSession {
  readonly side: Side;
  readonly agreed: Agreement;
  readonly intake: Intake;
  /** One for each family that was agreed and carries routes. Whoever ends the session disposes them. */
  readonly outputs: ReadonlyMap<RouteFamily, Output>;
  /** What the neighbour wants of the capability family; absent: it has not agreed to say so. */
  readonly membership: Membership | undefined;
  readonly facts: EstablishedFacts;
}

export interface EstablishedFacts {
  readonly side: Side;
  readonly agreed: Agreement;
  readonly options: PeerOptions;
  readonly kind: SessionKind;
  readonly peerIndex: PeerIndex;
  readonly connection: Connection;
  /** Something was handed to the socket. */
  readonly sent: () => void;
  /** Sends a message that is no UPDATE, in order with them. */
  readonly write: (message: Uint8Array) => void;
}

/** Joins the two ways of a session with the RIB: in through checks and policy, out through the update group of each family. */
export function openSession(facts: EstablishedFacts, parts: PeerParts): EstablishedSession {
  const { side, agreed, options } = facts;
  const { codec, log, record } = parts;
  const isAgreed = ({ family }: PeerFamily): boolean => {
    const wire = wireFamily(family, codec.dialect);
    return agreed.families.some((other) => sameFamily(other, wire));
  };
  const families = familiesOf(options).filter(isAgreed);
  const saysMembership = families.some(({ family }) => family === "route-target");
  const membership = saysMembership ? new Membership(parts.rib.attributes) : undefined;
  const intake = new Intake({
    codec,
    agreed,
    localAs: parts.speaker.localAs,
    families: families.map((family) => openIntake(family, facts, parts, membership)),
    peer: options.address,
    counters: record.counters,
    log,
    observer: parts.observer,
  });
  const outputs = new Map(families.map((family) => [family.family, openOutput(family, facts, parts, membership)]));
  const capability = outputs.get("capability");
  if (membership !== undefined && capability !== undefined) followMembership(membership, capability, parts.clock);
  return { side, agreed, intake, outputs, membership, facts };
}

/** How long a neighbour has to say what it wants, before this router says that there is no more. @see RFC 4684 §6 */
const MEMBERSHIP_TIME = milliseconds(60_000);

/** A changed membership changes what is sent: routes that it concerns are offered again, and no others. */
function followMembership(membership: Membership, output: Output, clock: Clock): void {
  let isDue = false;
  membership.onChange = () => {
    if (isDue) return;
    isDue = true;
    clock.soon(() => {
      isDue = false;
      output.reconsider(membership.takeChanges());
    });
  };
  const timer = clock.after(MEMBERSHIP_TIME, () => settle());
  const settle = (): void => {
    timer.cancel();
    if (membership.settled) return;
    membership.settled = true;
    output.poke();
  };
  membership.onSettled = settle;
  output.onClose = () => timer.cancel();
}

/** Options that were changed and decide what is taken from a neighbour, and what it is told. */
const DECIDE_IMPORT = ["importPolicy", "enforceFirstAs", "allowOwnAs", "checkNextHop"] as const;
const DECIDE_EXPORT = [
  ...(["exportPolicy", "nextHopSelf", "nextHopUnchanged", "thirdPartyNextHop"] as const),
  "routeServerClient",
] as const;
/** Whether the neighbour is on a link with this router, where its prefixes and those that it is told have their next hops. */
const DECIDE_LINK = ["multihop", "ttlSecurityHops"] as const;

/**
 * Goes on with other options: limits hold at once, what is told is judged again.
 * @param before `undefined`: what all neighbours have in common has changed
 * @returns whether routes that came before have to come again, and why the session has to end
 */
export function changeSession(
  session: EstablishedSession,
  before: PeerOptions | undefined,
  options: PeerOptions,
  parts: PeerParts,
): { readonly refresh: boolean; readonly stop: TakeResult } {
  const facts = { ...session.facts, options };
  const changed = (names: readonly (keyof PeerOptions)[]): boolean =>
    before === undefined || names.some((name) => !sameValue(before[name], options[name]));
  const both = changed(["role"]) || (changed(DECIDE_LINK) && session.outputs.keys().some(isPrefixes));
  const rejudge = both || changed(DECIDE_IMPORT);
  const retell = both || changed(DECIDE_EXPORT);
  const fill = options.softReconfiguration === true && before !== undefined && before.softReconfiguration !== true;
  const refresh = rejudge || fill;
  let stop: TakeResult;
  for (const family of familiesOf(options)) {
    stop ??= session.intake.family(family.family)?.change(intakeTerms(family, facts, parts), { judgeAgain: rejudge });
    const output = session.outputs.get(family.family);
    if (output !== undefined) output.interval = intervalOf(family, options);
    if (retell) output?.regroup(exportGroup(family.family, facts, parts));
  }
  return { refresh, stop };
}

function openIntake(
  family: PeerFamily,
  facts: EstablishedFacts,
  parts: PeerParts,
  membership: Membership | undefined,
): FamilyIntake {
  const { kind, options, peerIndex } = facts;
  const { rib, codec, speaker, record, log } = parts;
  return new FamilyIntake(
    {
      family: family.family,
      rib,
      peerIndex,
      codec,
      peer: {
        address: options.address,
        kind,
        remoteAs: options.remoteAs,
        family: family.family,
        ownNextHop: ownNextHop(family.family, facts, parts),
      },
      site: {
        siteOfOrigin: speaker.siteOfOrigin,
        isReflector: parts.isReflector,
      },
      counters: record.counters,
      log,
      observer: parts.observer,
      membership: family.family === "route-target" ? membership : undefined,
      looped: (set) => parts.looped?.(options.address, set),
    },
    intakeTerms(family, facts, parts),
  );
}

/** What an intake goes by and may change while the session lasts. */
function intakeTerms(
  { family, maximumRoutes, warnAtPercent, restartAfter }: PeerFamily,
  session: EstablishedFacts,
  parts: PeerParts,
): IntakeTerms {
  const { agreed, options, kind } = session;
  const { speaker, importPolicy } = parts;
  const link = options.checkNextHop === false ? undefined : linkOf(family, session, parts);
  const role = roleFor(family, agreed, options);
  return {
    facts: {
      family,
      localAs: speaker.localAs,
      ...(speaker.confederation === undefined ? {} : { confederationId: speaker.confederation.identifier }),
      remoteAs: agreed.remoteAs,
      kind,
      bgpIdentifier: speaker.bgpIdentifier,
      clusterId: speaker.clusterId ?? speaker.bgpIdentifier,
      moreClusterIds: parts.clusterIds(),
      ownNextHop: ownNextHop(family, session, parts),
      enforceFirstAs: options.enforceFirstAs ?? true,
      allowOwnAs: options.allowOwnAs ?? 0,
      ...(role === undefined ? {} : { role }),
      ...(link === undefined ? {} : { link }),
      ...linkLocalFacts(family, session, parts),
    },
    // Who wants what is no route: policies of routes do not apply to it.
    policy:
      family === "route-target"
        ? membershipImport({ isClient: options.reflectorClient === true })
        : importPolicy(options),
    maximumRoutes: maximumRoutes ?? options.maximumRoutes,
    warnAtPercent: warnAtPercent ?? WARN_AT_PERCENT,
    keepsReceived: options.softReconfiguration === true,
    ...(restartAfter === undefined ? {} : { restartAfter }),
  };
}

/** Least time between two rounds of UPDATEs. */
function intervalOf(family: PeerFamily, options: PeerOptions): Seconds | undefined {
  return family.advertisementInterval ?? options.advertisementInterval;
}

/** Who is told the same as this neighbour. */
function exportGroup(family: RouteFamily, facts: EstablishedFacts, parts: PeerParts): ExportGroup {
  const { agreed, options } = facts;
  const own = ownNextHop(family, facts, parts);
  const overhead = idLength(addPathOf(family, agreed, parts.codec.dialect));
  const link = options.thirdPartyNextHop === true ? linkOf(family, facts, parts) : undefined;
  const linkLocal = ownLinkLocal(family, facts, parts);
  return parts.groupOf(options, agreed, { family, ownNextHop: own, ownLinkLocal: linkLocal, overhead, link });
}

function openOutput(
  configured: PeerFamily,
  facts: EstablishedFacts,
  parts: PeerParts,
  membership: Membership | undefined,
): Output {
  const { family } = configured;
  const { agreed, options, peerIndex, connection } = facts;
  const { rib, codec, clock, random, restart, record, log } = parts;
  const here = standingOf(options, parts.speaker);
  const isReached = (other: string): boolean => {
    const from = other === options.address ? undefined : parts.standingOf(other);
    return from !== undefined && mayPass(from, here);
  };
  const addPath = addPathOf(family, agreed, codec.dialect);
  const filter = family === "capability" ? membership : undefined;
  const openOutput = () => rib.table(family).openOutput(peerIndex, sentPaths(configured, addPath));
  const output = new Output({
    output: openOutput(),
    openOutput,
    addPath,
    connection,
    attributes: rib.attributes,
    group: exportGroup(family, facts, parts),
    family: wireFamily(family, codec.dialect),
    messageLimit: updateLimit(options, agreed),
    clock,
    random,
    counters: record.counters,
    tooLarge: new TooLargeLog(log, clock, { peer: options.address, family, limit: updateLimit(options, agreed) }),
    sources: new OtherNeighbours(parts, peerIndex, here),
    refreshMark: agreed.enhancedRouteRefresh
      ? (mark) => {
          record.counters.refreshMarks(`${mark}-sent`).add();
          const subtype = mark === "begin" ? RefreshSubtype.Begin : RefreshSubtype.End;
          facts.write(encodeRouteRefresh(wireFamily(family, codec.dialect), subtype));
        }
      : undefined,
    // What is not wanted yet may be wanted in a moment: before the neighbour has said all, nothing is at an end.
    mayEndRib: () =>
      restart.mayEndRib && (filter === undefined || filter.settled) && !restart.keptBackFor.some(isReached),
    wants: filter === undefined ? undefined : (id) => filter.wants(id),
    sent: (messages) => {
      record.updatesOut(messages);
      facts.sent();
    },
    watch: parts.observer?.sent?.bind(parts.observer),
  });
  output.interval = intervalOf(configured, options);
  return output;
}

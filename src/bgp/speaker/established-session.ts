import { type Ipv6Address, parseIpv4, parseIpv6 } from "../../base/index.ts";
import { LOCAL_PEER, type PeerIndex, type RouteFamily } from "../../rib/index.ts";
import { isReflection, mayPass, type Standing } from "../policy/index.ts";
import type { Agreement, Side } from "../session/index.ts";
import { messageLimit, sameFamily, wireFamily } from "../wire/index.ts";
import { FamilyIntake } from "./family-intake.ts";
import { Intake } from "./intake.ts";
import type { PeerFamily, PeerOptions } from "./options.ts";
import { Output } from "./output.ts";
import { familiesOf, type PeerParts, roleFor } from "./peer-parts.ts";
import type { Connection, Endpoint } from "./transport.ts";

const WARN_AT_PERCENT = 75;

/** What a session has of its own, from Established to its end. */
export interface EstablishedSession {
  readonly side: Side;
  readonly agreed: Agreement;
  readonly intake: Intake;
  /** One for each family that was agreed and carries routes. Whoever ends the session disposes them. */
  readonly outputs: ReadonlyMap<RouteFamily, Output>;
}

export interface EstablishedFacts {
  readonly side: Side;
  readonly agreed: Agreement;
  readonly options: PeerOptions;
  readonly kind: "internal" | "external";
  readonly peerIndex: PeerIndex;
  readonly connection: Connection;
  /** Something was handed to the socket. */
  readonly sent: () => void;
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
  const intake = new Intake({
    codec,
    agreed,
    families: families.map((family) => openIntake(family, facts, parts)),
    peer: options.address,
    counters: record.counters,
    log,
  });
  const outputs = new Map(families.map(({ family }) => [family, openOutput(family, facts, parts)]));
  return { side, agreed, intake, outputs };
}

function openIntake(
  { family, maximumRoutes, warnAtPercent, restartAfter }: PeerFamily,
  facts: EstablishedFacts,
  parts: PeerParts,
): FamilyIntake {
  const { agreed, options, kind, peerIndex, connection } = facts;
  const { rib, codec, speaker, record, log } = parts;
  const role = roleFor(family, agreed, options);
  const bound = maximumRoutes ?? options.maximumRoutes;
  return new FamilyIntake({
    family,
    rib,
    peerIndex,
    codec,
    facts: {
      family,
      localAs: speaker.localAs,
      remoteAs: agreed.remoteAs,
      kind,
      bgpIdentifier: speaker.bgpIdentifier,
      clusterId: speaker.clusterId ?? speaker.bgpIdentifier,
      ownNextHop: ownNextHop(family, connection.local, speaker.nextHop),
      enforceFirstAs: options.enforceFirstAs ?? true,
      ...(role === undefined ? {} : { role }),
    },
    policy: parts.importPolicy,
    peer: {
      address: options.address,
      kind,
      remoteAs: options.remoteAs,
      family,
      ownNextHop: ownNextHop(family, connection.local, speaker.nextHop),
    },
    maximumRoutes: bound,
    warnAtPercent: warnAtPercent ?? WARN_AT_PERCENT,
    ...(restartAfter === undefined ? {} : { restartAfter }),
    counters: record.counters,
    log,
  });
}

function openOutput(family: RouteFamily, facts: EstablishedFacts, parts: PeerParts): Output {
  const { agreed, options, kind, peerIndex, connection } = facts;
  const { rib, codec, clock, speaker, restart, record } = parts;
  const here: Standing = { kind, ...(options.reflectorClient === true ? { reflectorClient: true } : {}) };
  const own = ownNextHop(family, connection.local, speaker.nextHop);
  return new Output({
    output: rib.table(family).openOutput(peerIndex),
    connection,
    attributes: rib.attributes,
    group: parts.groupOf(options, agreed, { family, ownNextHop: own }),
    family: wireFamily(family, codec.dialect),
    messageLimit: messageLimit(agreed),
    clock,
    counters: record.counters,
    mayPass: (source) => {
      if (source === LOCAL_PEER) return true;
      if (source === peerIndex || !restart.mayAdvertiseLearnt) return false;
      return mayPass(rib.peer(source) ?? { kind: "internal" }, here);
    },
    reflectedFrom: (source) => {
      const from = rib.peer(source);
      return from !== undefined && isReflection(from, here) ? from.bgpIdentifier : undefined;
    },
    mayEndRib: () => restart.mayEndRib,
    sent: (messages) => {
      record.updatesOut(messages);
      facts.sent();
    },
  });
}

/** Where others send packets to: for capabilities the locator, for prefixes this end of the session. @see RFC 4271 §5.1.3 */
function ownNextHop(family: RouteFamily, local: Endpoint, locator: Ipv6Address): Ipv6Address {
  if (family === "capability") return locator;
  const { address } = local;
  const v4 = parseIpv4(address) === undefined ? undefined : parseIpv6(`::ffff:${address}`);
  return v4 ?? parseIpv6(address.replace(/%.*$/, "")) ?? locator;
}

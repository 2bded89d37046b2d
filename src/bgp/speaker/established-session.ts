import { LOCAL_PEER, type PeerIndex } from "../../rib/index.ts";
import { isReflection, mayPass, type Standing } from "../policy/index.ts";
import type { Agreement, Side } from "../session/index.ts";
import { sameFamily } from "../wire/index.ts";
import { Intake } from "./intake.ts";
import type { PeerOptions } from "./options.ts";
import { Output } from "./output.ts";
import type { PeerParts } from "./peer-parts.ts";
import type { Connection } from "./transport.ts";

/** What a session has of its own, from Established to its end. */
export interface EstablishedSession {
  readonly side: Side;
  readonly agreed: Agreement;
  readonly intake: Intake;
  /** `undefined` when the family was not agreed. Whoever ends the session disposes it. */
  readonly output: Output | undefined;
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

/** Joins the two ways of a session with the RIB: in through checks and policy, out through its update group. */
export function openSession(facts: EstablishedFacts, parts: PeerParts): EstablishedSession {
  const { side, agreed, options, kind, peerIndex, connection } = facts;
  const { rib, codec, clock, speaker, log, restart, record } = parts;
  const { family } = codec.dialect;
  const here: Standing = { kind, ...(options.reflectorClient === true ? { reflectorClient: true } : {}) };
  const intake = new Intake({
    rib,
    peerIndex,
    codec,
    agreed,
    facts: {
      localAs: speaker.localAs,
      remoteAs: agreed.remoteAs,
      kind,
      bgpIdentifier: speaker.bgpIdentifier,
      clusterId: speaker.clusterId ?? speaker.bgpIdentifier,
      ownNextHop: speaker.nextHop,
      enforceFirstAs: options.enforceFirstAs ?? true,
    },
    policy: parts.importPolicy,
    peer: { address: options.address, kind, remoteAs: options.remoteAs, family: "capability" },
    maximumRoutes: options.maximumRoutes,
    counters: record.counters,
    log,
  });
  if (!agreed.families.some((other) => sameFamily(other, family))) return { side, agreed, intake, output: undefined };
  const output = new Output({
    output: rib.capability.openOutput(peerIndex),
    connection,
    attributes: rib.attributes,
    group: parts.groupOf(options, agreed),
    family,
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
  return { side, agreed, intake, output };
}

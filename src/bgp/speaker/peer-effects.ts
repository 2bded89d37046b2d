import { unreachable } from "../../base/index.ts";
import type { PeeringEffect, Side } from "../session/index.ts";
import { encodeKeepalive, encodeNotification, encodeOpen, offeredCapabilities } from "../wire/index.ts";
import type { ConfiguredPeer } from "./configured-peer.ts";
import type { PeerKeys } from "./peer-keys.ts";
import type { PeerLinks } from "./peer-links.ts";
import type { PeerParts } from "./peer-parts.ts";
import type { PeerSession } from "./peer-session.ts";
import type { SessionWatch } from "./session-watch.ts";

/** What effects are carried out on: the neighbour's connections and its session. */
export interface EffectHost {
  readonly peer: ConfiguredPeer;
  readonly parts: PeerParts;
  readonly links: PeerLinks;
  readonly session: PeerSession;
  readonly keys: PeerKeys;
  /** Absent: nobody watches. */
  readonly watch: SessionWatch | undefined;
  write(side: Side, octets: Uint8Array): void;
  /** What BFD said of the session that is over is settled. */
  pathIsFine(): void;
}

/** Carries out what the state machines decided, one effect of a step. */
export function perform(effect: PeeringEffect, host: EffectHost): void {
  const { peer, parts, links, session, watch } = host;
  switch (effect.type) {
    case "adopt":
      parts.record.opens.incoming = {};
      links.adopt();
      return;
    case "refuse":
      links.refuse();
      parts.record.connectionRefused();
      parts.log.debug("bgp.connection.refused", { peer: peer.options.address });
      return;
    case "connect":
      parts.record.opens[effect.side] = {};
      links.connect(effect.side, peer.options, peer.hopLimit, host.keys.protection);
      return;
    case "close":
      links.at(effect.side).close();
      return;
    case "sendOpen": {
      const open = encodeOpen(effect.open);
      watch?.openSent(effect.side, open);
      parts.record.opens[effect.side].sent = offeredCapabilities(open);
      host.write(effect.side, open);
      return;
    }
    case "allowExtendedMessages":
      links.at(effect.side).input?.allowExtended();
      return;
    case "sendKeepalive":
      host.write(effect.side, encodeKeepalive());
      return;
    case "sendNotification":
      parts.record.notificationOut();
      host.write(effect.side, encodeNotification(effect.notification));
      return;
    case "arm":
      links.at(effect.side).timers.arm(effect.timer, effect.delay, { jitter: effect.jitter });
      return;
    case "disarm":
      links.at(effect.side).timers.disarm(effect.timer);
      return;
    case "disarmAll":
      links.at(effect.side).timers.disarmAll();
      return;
    case "established":
      session.established(effect.side, effect.agreed);
      return;
    case "ended":
      if (effect.agreed !== undefined) host.pathIsFine();
      session.ended(effect.end, effect.agreed);
      return;
    case "refresh":
      session.outputOf(effect.family)?.answerRefresh();
      return;
    case "refreshBegins":
    case "refreshEnds":
      session.refreshMark(effect);
      return;
    default:
      unreachable(effect);
  }
}

import type { Log, Seconds } from "../../base/index.ts";
import type { RouteFamily } from "../../rib/index.ts";
import type { PolicyPeer } from "../policy/index.ts";
import {
  type AttributeCodec,
  CeaseSubcode,
  ErrorCode,
  type NotificationMessage,
  notification,
  wireFamily,
} from "../wire/index.ts";

export interface MaximumTerms {
  readonly maximumRoutes: number | undefined;
  readonly warnAtPercent: number;
  readonly restartAfter?: Seconds;
}

export interface RouteMaximumParts {
  readonly family: RouteFamily;
  readonly codec: AttributeCodec;
  readonly peer: PolicyPeer;
  readonly log: Log;
}

/** Why a session has to end (AutomaticStop). */
export interface SessionStop {
  readonly kind: "stop";
  readonly notification: NotificationMessage;
  readonly idleHold?: Seconds;
}

/** How many routes of a family a neighbour may have: warns before, and then ends the session. @see RFC 4486 §4 */
export class RouteMaximum {
  readonly #parts: RouteMaximumParts;
  /** The log has said that the maximum is near. */
  #warned = false;

  constructor(parts: RouteMaximumParts) {
    this.#parts = parts;
  }

  /** @param routes that it has now */
  look(routes: number, maximumRoutes: number, terms: MaximumTerms): SessionStop | undefined {
    const { family, log, peer } = this.#parts;
    const { warnAtPercent, restartAfter } = terms;
    if (routes > maximumRoutes) {
      log.warn("bgp.routes.maximum", { peer: peer.address, family, maximumRoutes, restartAfter });
      const hold = restartAfter === undefined ? {} : { idleHold: restartAfter };
      return { kind: "stop", notification: this.#reached(maximumRoutes), ...hold };
    }
    const isNear = routes * 100 >= maximumRoutes * warnAtPercent;
    if (isNear && !this.#warned) {
      log.warn("bgp.routes.near-maximum", { peer: peer.address, family, routes, maximumRoutes });
    }
    // Said again only after a tenth of them went meanwhile: who comes and goes around the mark fills no log.
    if (isNear) this.#warned = true;
    else if (routes * 1000 < maximumRoutes * warnAtPercent * 9) this.#warned = false;
    return undefined;
  }

  /** AFI, SAFI and the bound as data. */
  #reached(maximumRoutes: number): NotificationMessage {
    const { family, codec } = this.#parts;
    const { afi, safi } = wireFamily(family, codec.dialect);
    const data = new Uint8Array(7);
    const view = new DataView(data.buffer);
    view.setUint16(0, afi);
    data[2] = safi;
    view.setUint32(3, maximumRoutes);
    return notification(ErrorCode.Cease, CeaseSubcode.MaximumNumberOfPrefixesReached, data);
  }
}

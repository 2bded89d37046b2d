import type { RouteFamily, SentPaths } from "../../rib/index.ts";
import type { Agreement } from "../session/index.ts";
import { type AddPathFamily, type Dialect, PATH_ID_LENGTH, sameFamily, wireFamily } from "../wire/index.ts";
import type { PeerFamily } from "./options.ts";

/** What an OPEN says about the families that a neighbour may have several paths of. @see RFC 7911 §4 */
export function addPathOffers(families: readonly PeerFamily[], dialect: Dialect): readonly AddPathFamily[] {
  return families.flatMap(({ family, addPath }) => {
    const send = addPath?.send !== undefined;
    const receive = addPath?.receive === true;
    return send || receive ? [{ family: wireFamily(family, dialect), send, receive }] : [];
  });
}

/** Whether routes of a family have path identifiers, by direction as seen from here. @see RFC 7911 */
export interface AddPathDirections {
  readonly send: boolean;
  readonly receive: boolean;
}

/** In which directions routes of a family have path identifiers. */
export function addPathOf(
  family: RouteFamily,
  { addPath }: Pick<Agreement, "addPath">,
  dialect: Dialect,
): AddPathDirections {
  const wire = wireFamily(family, dialect);
  const { send = false, receive = false } = addPath.find((agreed) => sameFamily(agreed.family, wire)) ?? {};
  return { send, receive };
}

/** How many paths of a route the neighbour is told. */
export function sentPaths({ addPath }: PeerFamily, agreed: AddPathDirections): SentPaths {
  return agreed.send ? (addPath?.send ?? "best") : "best";
}

/** Octets that an identifier takes from a route. */
export function idLength({ send }: AddPathDirections): number {
  return send ? PATH_ID_LENGTH : 0;
}

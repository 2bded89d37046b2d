import { LOCAL_PEER, type PeerIndex } from "../../rib/index.ts";
import { isReflection, mayPass, type Standing } from "../policy/index.ts";
import type { PeerParts } from "./peer-parts.ts";

/** Whose routes one neighbour is told, and how. */
export interface ToldSources {
  /** Whether this neighbour may have anything from `source` now. */
  mayPass(source: PeerIndex): boolean;
  /** BGP identifier of `source` when its routes are reflected to this neighbour. */
  reflectedFrom(source: PeerIndex): number | undefined;
}

/** Other neighbours as seen from one of them. */
export class OtherNeighbours implements ToldSources {
  readonly #parts: Pick<PeerParts, "rib" | "restart" | "mesh">;
  readonly #own: PeerIndex;
  readonly #here: Standing;

  constructor(parts: Pick<PeerParts, "rib" | "restart" | "mesh">, own: PeerIndex, here: Standing) {
    this.#parts = parts;
    this.#own = own;
    this.#here = here;
  }

  mayPass(source: PeerIndex): boolean {
    const { rib, restart, mesh } = this.#parts;
    if (source === LOCAL_PEER) return true;
    if (source === this.#own || !restart.mayAdvertiseLearnt) return false;
    if (mesh.has(source) && mesh.has(this.#own)) return false;
    return mayPass(rib.peer(source) ?? { kind: "internal" }, this.#here);
  }

  reflectedFrom(source: PeerIndex): number | undefined {
    const from = this.#parts.rib.peer(source);
    return from !== undefined && isReflection(from, this.#here) ? from.bgpIdentifier : undefined;
  }
}

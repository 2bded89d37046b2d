import type { ReceivedView, RouteTable } from "./route-table.ts";
import type { AttributeTable, PeerIndex, RibPeer, RouteFamily, Tenant, UnicastFamily } from "./types.ts";
import type { CapabilityView, UnicastView } from "./views.ts";

/** Families of routes, which policies apply to. */
export type PolicyFamily = Exclude<RouteFamily, "route-target">;

/** What a router knows: one attribute table, its neighbours, one route table per address family. */
export interface Rib extends Disposable {
  readonly attributes: AttributeTable;
  /** AFI 2, SAFI 251. */
  readonly capability: RouteTable & CapabilityView;
  /** Made when it is first asked for; its routes are held and passed on, nothing is forwarded by them. */
  unicast(family: UnicastFamily): RouteTable & UnicastView;
  /**
   * What neighbours said of a family before import policy, for those whose sessions keep it there. Made when it is first asked
   * for, with as much room as the family itself.
   */
  received(family: PolicyFamily): RouteTable & ReceivedView;
  /** The same where it has been made. */
  receivedIfKept(family: RouteFamily): (RouteTable & ReceivedView) | undefined;
  /** The table of one family, as sessions see it. */
  table(family: RouteFamily): RouteTable;
  /**
   * Imports for these tenants from now on. What was not imported before is in Adj-RIB-In already and is decided on later
   * turns; a tenant that is there keeps its index and route distinguisher.
   */
  setTenants(tenants: readonly Tenant[]): void;
  /**
   * This router has another AS, router ID or site from now on. Its own routes stay as they are until they are announced
   * again; what hangs on its site is decided again on later turns.
   */
  setLocal(local: RibPeer, siteOfOrigin: Uint8Array | undefined): void;
  /** What `RibOptions.attestation` answers is another thing for some sets now: all are judged again on later turns. */
  attestationsChanged(): void;
  /** Gives a neighbour its number. @throws {RibError} `rib.peer-limit` */
  openPeer(peer: RibPeer): PeerIndex;
  /** Removes what is left of the neighbour's routes on later turns, then frees the number. Its outputs must be disposed. */
  closePeer(peer: PeerIndex): void;
  /** `undefined` for a number that is free. */
  peer(index: PeerIndex): RibPeer | undefined;
}

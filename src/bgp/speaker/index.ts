export type { AddPathDirections } from "./add-path.ts";
export { type AdjRibOut, messagesIn, type OutgoingRoute } from "./adj-rib-out.ts";
export { type CommonChangeReason, type CommonOptions, commonOf, planCommonChange } from "./common-change.ts";
export type { Outcome } from "./family-intake.ts";
export { type GuestChange, planGuestOf } from "./guest-change.ts";
export type { ListenRange, RangeStatus, RangeTemplate } from "./listen-ranges.ts";
export { createNetTransport, type NetTransportParts } from "./net-transport.ts";
export type { ObservedPeer, ObservedSession, PeerObserver, SpeakerObserver } from "./observer.ts";
export * from "./options.ts";
export type { PathFailure, SessionChange } from "./path-failure.ts";
export {
  FOLLOW,
  NEXT_SESSION,
  type PeerChange,
  type PeerChangeReason,
  type PeerListChange,
  planPeerChange,
  planPeers,
} from "./peer-change.ts";
export type { SpeakerRib } from "./peer-parts.ts";
export type { ReceivedRoute } from "./received-routes.ts";
export { startSpeaker } from "./speaker.ts";
export {
  type JudgedRoute,
  type SoftClear,
  type Speaker,
  SpeakerError,
  type SpeakerFault,
  type SpeakerParts,
} from "./speaker-api.ts";
export * from "./status.ts";
export type { AoKey, TcpProtection } from "./tcp-protection.ts";
export * from "./transport.ts";

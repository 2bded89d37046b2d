/** @see RFC 4271 §4.2 */
export const BGP_VERSION = 4;
/** Marker, length and type. @see RFC 4271 §4.1 */
export const HEADER_LENGTH = 19;
/** @see RFC 4271 §4.1 */
export const MAX_MESSAGE_LENGTH = 4096;
/** Of an UPDATE or a NOTIFICATION where both ends offered it. @see RFC 8654 §3 */
export const MAX_EXTENDED_MESSAGE_LENGTH = 65535;
/** @see RFC 4271 §8.2.1 */
export const BGP_PORT = 179;
/** Stands for a 4-octet AS number towards a speaker of 2-octet ones. @see RFC 6793 §9 */
export const AS_TRANS = 23456;

/** @see RFC 4271 §4.1; RFC 2918 §3 */
export const MessageType = { Open: 1, Update: 2, Notification: 3, Keepalive: 4, RouteRefresh: 5 } as const;

/** @see RFC 4271 §4.5; RFC 7313 §5; RFC 9687 §4 */
export const ErrorCode = {
  MessageHeader: 1,
  OpenMessage: 2,
  UpdateMessage: 3,
  HoldTimerExpired: 4,
  FiniteStateMachine: 5,
  Cease: 6,
  RouteRefreshMessage: 7,
  SendHoldTimerExpired: 8,
} as const;

/** @see RFC 2918 §3; RFC 7313 §3.2 */
export const RefreshSubtype = { Request: 0, Begin: 1, End: 2 } as const;

/** @see RFC 7313 §5 */
export const RefreshSubcode = { InvalidMessageLength: 1 } as const;

/** @see RFC 4271 §6.1 */
export const HeaderSubcode = { ConnectionNotSynchronized: 1, BadMessageLength: 2, BadMessageType: 3 } as const;

/** 0 is "unspecific": a known optional parameter that is malformed. @see RFC 4271 §6.2; RFC 5492 §5; RFC 9234 §4.2 */
export const OpenSubcode = {
  Unspecific: 0,
  UnsupportedVersionNumber: 1,
  BadPeerAs: 2,
  BadBgpIdentifier: 3,
  UnsupportedOptionalParameter: 4,
  UnacceptableHoldTime: 6,
  UnsupportedCapability: 7,
  RoleMismatch: 11,
} as const;

/** @see RFC 4271 §6.3 */
export const UpdateSubcode = {
  MalformedAttributeList: 1,
  UnrecognizedWellKnownAttribute: 2,
  OptionalAttributeError: 9,
  InvalidNetworkField: 10,
} as const;

/** What arrived in which state. @see RFC 6608 §3 */
export const FsmSubcode = { UnexpectedInOpenSent: 1, UnexpectedInOpenConfirm: 2, UnexpectedInEstablished: 3 } as const;

/** @see RFC 4486 §3; RFC 8538 §3 */
export const CeaseSubcode = {
  MaximumNumberOfPrefixesReached: 1,
  AdministrativeShutdown: 2,
  PeerDeconfigured: 3,
  AdministrativeReset: 4,
  ConnectionRejected: 5,
  OtherConfigurationChange: 6,
  ConnectionCollisionResolution: 7,
  OutOfResources: 8,
  HardReset: 9,
} as const;

/** @see IANA "BGP Path Attributes" */
export const AttributeCode = {
  Origin: 1,
  AsPath: 2,
  NextHop: 3,
  MultiExitDisc: 4,
  LocalPref: 5,
  AtomicAggregate: 6,
  Aggregator: 7,
  Communities: 8,
  OriginatorId: 9,
  ClusterList: 10,
  MpReachNlri: 14,
  MpUnreachNlri: 15,
  ExtendedCommunities: 16,
  As4Path: 17,
  As4Aggregator: 18,
  Ipv6ExtendedCommunities: 25,
  LargeCommunities: 32,
  OnlyToCustomer: 35,
  /** Carried, and not read. @see RFC 8669 §3 */
  PrefixSid: 40,
  Semantic: 255,
} as const;

/** High bits of the flags octet; the low four mean nothing and are masked. @see RFC 4271 §4.3 */
export const AttributeFlag = { Optional: 0x80, Transitive: 0x40, Partial: 0x20, ExtendedLength: 0x10 } as const;

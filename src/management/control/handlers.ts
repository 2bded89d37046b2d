import type { CapabilityName, Ipv6Address } from "../../base/index.ts";
import type { CommitResult, Management, Answer as ManagementAnswer, Session } from "../datastore/index.ts";
import type { SchemaPart, SchemaReport } from "./schema-report.ts";
import type {
  AgentCommandResult,
  AgentRow,
  AlarmRow,
  BmpStationRow,
  CapabilityRow,
  CheckConfigResult,
  CounterPart,
  CountersReport,
  CountersReset,
  DrainResult,
  EventRow,
  ExchangedRouteRow,
  ExplainReport,
  FibRow,
  FlowRecordRow,
  MrtJobRow,
  PacketReport,
  PeerRow,
  PolicyRow,
  RouteRow,
  RpkiCacheRow,
  StatusReport,
  UnicastRouteRow,
  VrpRow,
} from "./types.ts";

/**
 * The rows of a list. Taken one by one, with pauses, so the source has to bear changes in between; a row that is taken
 * out meanwhile may be missing, none appears twice. `return` is called when the reader goes away.
 */
export type Rows<T> = Iterable<T> | AsyncIterable<T>;

type Answer<T> = T | Promise<T>;

export type UnicastFamilyName = "ipv6-unicast" | "ipv4-unicast";
export type RouteFamilyName = "capability" | UnicastFamilyName;

/** A reset; or the peer's routes again; or ours again. @see RFC 2918 (soft ones) */
export type PeerClearing = "hard" | "soft-in" | "soft-out";

export interface ExplainQuestion {
  readonly capability: CapabilityName;
  /** Absent: the only tenant of this router; with several, refuse and say their names. */
  readonly tenant?: string;
  /** Absent: the highest that is known. */
  readonly majorVersion?: number;
}

/** A packet that is asked about. What is absent the router fills in from what it knows of the destination. */
export interface PacketInquiry {
  /** A number is an address of IPv4. */
  readonly source: Ipv6Address | number;
  /** A capability's name stands for its address of any site. */
  readonly destination: Ipv6Address | CapabilityName | number;
  /** Whose capability the name is; not needed where there is one tenant. */
  readonly tenant?: string;
  /** Absent: that of the capability, else TCP. */
  readonly protocol?: "tcp" | "udp" | "icmpv6";
  readonly sourcePort?: number;
  /** Absent: the service port of the capability. */
  readonly port?: number;
  readonly flags?: "syn" | "ack" | "fin" | "rst";
  readonly hopLimit?: number;
  /** Octets of IPv6. */
  readonly length?: number;
  /** Where it comes in. Absent: where the kernel's route to the source, or to the tunnel's other end, leads. */
  readonly interface?: string;
  /** Locator of the router from whose tunnel it comes. */
  readonly tunnelFrom?: Ipv6Address;
}

/** Which routes a snapshot has. */
export interface MrtTableQuestion {
  readonly view: "loc-rib" | "adj-rib-in";
  readonly families: readonly ("capability" | UnicastFamilyName)[];
}

/**
 * What the control socket asks of the router. Every method may throw a {@link ControlRefusal}, or a `FaultError` of a
 * part, which counts as a refusal with that code; anything else is a defect and answered as such.
 */
export interface ControlHandlers {
  status(): Answer<StatusReport>;
  agents(): Rows<AgentRow>;
  alarms(): Iterable<AlarmRow>;
  events(): Rows<EventRow>;
  capabilities(): Rows<CapabilityRow>;
  routes(): Rows<RouteRow>;
  unicastRoutes(family: UnicastFamilyName): Rows<UnicastRouteRow>;
  /** What a neighbour has said of a family, before import policy; refused where that is not kept. */
  received(peer: string, family: RouteFamilyName): Rows<ExchangedRouteRow>;
  /** What a neighbour has been told of a family, and what not, and why. */
  advertised(peer: string, family: RouteFamilyName): Rows<ExchangedRouteRow>;
  peers(): Rows<PeerRow>;
  /** In the order of the configuration. */
  policies(): Rows<PolicyRow>;
  fib(): Rows<FibRow>;
  /** Flows that go on, and the last records; refused where none are made. */
  flows(): Rows<FlowRecordRow>;
  /** Jobs that write files. */
  mrt(): Rows<MrtJobRow>;
  /** Monitoring stations. */
  bmp(): Rows<BmpStationRow>;
  /** Caches of VRPs. */
  rpki(): Rows<RpkiCacheRow>;
  /** VRPs that routes are judged by. */
  vrps(): Rows<VrpRow>;
  /** The tables of now in MRT format, made at the reader's pace. @see RFC 6396 §4.3 */
  mrtTable(question: MrtTableQuestion): AsyncIterable<Uint8Array>;
  counters(): Answer<CountersReport>;
  explain(question: ExplainQuestion): Answer<ExplainReport>;
  explainPacket(inquiry: PacketInquiry): Answer<PacketReport>;
  /** The datastores, for requests that read or change the configuration. */
  readonly management: Management & {
    /** Makes the startup file running, as SIGHUP does. */
    reload(session: Session): Promise<ManagementAnswer<CommitResult>>;
  };
  /** What can be configured. */
  schema(of: SchemaPart): Answer<Required<SchemaReport>>;
  /** Whether an agent is one of the configuration. */
  isConfigured(agent: string): boolean;
  agentInstances(agent: string): AgentCommandResult;
  /** Out of service, or back; without `instances` all that it has. */
  drainAgent(
    agent: string,
    options?: { readonly on?: boolean; readonly instances?: readonly string[] },
  ): Answer<AgentCommandResult>;
  /** One that is not of the configuration. */
  removeAgent(agent: string): Answer<AgentCommandResult>;
  /** These begin at zero. Absent: all. */
  resetCounters(what?: readonly CounterPart[]): Answer<CountersReset>;
  /** Those of one session, or of all. */
  resetPeerCounters(neighbor?: string): Answer<CountersReset>;
  /** Those of the statements of one policy, or of all. */
  resetPolicyCounters(policy?: string): Answer<CountersReset>;
  drainRouter(on: boolean): Answer<DrainResult>;
  /** `message` is for the operator of the peer, who hears it with a hard reset only. */
  clearPeer(neighbor: string, how: PeerClearing, message: string | undefined): Answer<void>;
  /** `folder` is where relative file names of the text begin. */
  checkConfig(text: string, folder: string): Promise<CheckConfigResult>;
}

/** The status codes that a refusal can have. @see RFC 9110 §15.5 */
export type RefusalStatus = 400 | 403 | 404 | 405 | 409 | 413 | 415 | 422 | 503;

/** A request that is not carried out, with what to say about it. */
export class ControlRefusal extends Error {
  readonly status: RefusalStatus;
  /** Stable and dotted, e.g. `control.no-such-agent`. */
  readonly code: string;
  readonly title: string;

  constructor(status: RefusalStatus, code: string, title: string, detail: string) {
    super(detail);
    this.name = "ControlRefusal";
    this.status = status;
    this.code = code;
    this.title = title;
  }
}

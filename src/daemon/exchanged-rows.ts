import { agentIdHash, type Clock, formatIpv4, formatIpv6, octetsEqual, toHex } from "../base/index.ts";
import type { JudgedRoute, OutgoingRoute, PeerStatus, Speaker } from "../bgp/speaker/index.ts";
import { AttributeCodec, DEFAULT_DIALECT, decodeCapability, NEXT_HOP_LENGTH } from "../bgp/wire/index.ts";
import { ControlRefusal, type ExchangedRouteRow } from "../management/index.ts";
import type { AttributeSet, PolicyFamily } from "../rib/index.ts";
import { asPathText, communitiesText } from "./community-text.ts";
import { ageSeconds, present, type RowSources } from "./rows.ts";
import { nextHopText, prefixText } from "./unicast-rows.ts";

export interface ExchangeSources extends RowSources {
  readonly speaker: Pick<Speaker, "peer" | "received" | "keepsReceived" | "told"> | undefined;
  readonly configuration: {
    readonly tenants: readonly { readonly name: string; readonly routeDistinguisher: Uint8Array }[];
  };
  readonly clock: Pick<Clock, "monotonic">;
}

const codec = new AttributeCodec(DEFAULT_DIALECT);

/**
 * What a neighbour has said, before import policy.
 * @throws {ControlRefusal} `peer.unknown`, `peer.no-session`, `peer.keeps-no-routes`
 */
export function receivedRows(
  sources: ExchangeSources,
  address: string,
  family: PolicyFamily,
): Iterable<ExchangedRouteRow> {
  const speaker = sources.speaker;
  sessionOf(sources, address, family);
  if (speaker?.keepsReceived(address, family) !== true) {
    throw new ControlRefusal(
      409,
      "peer.keeps-no-routes",
      "Not kept",
      `what ${address} said is not kept as it came: set soft-reconfiguration for it; 'semrctl show routes --peer ${address}' has what import policy left`,
    );
  }
  return shownReceived(sources, speaker.received(address, family), family);
}

function* shownReceived(
  sources: ExchangeSources,
  routes: IteratorObject<JudgedRoute>,
  family: PolicyFamily,
): Generator<ExchangedRouteRow> {
  const subjects = new Subjects(sources, family);
  const { rib, clock } = sources;
  for (const route of routes) {
    yield {
      ...subjects.of(route.key),
      ...present({ pathId: route.pathId }),
      outcome: route.outcome,
      ...(route.outcome === "refused" ? { reason: route.reason } : {}),
      ageSeconds: ageSeconds(route.learntAt, clock.monotonic()),
      ...attributeMembers(rib.attributes.get(route.attributes)),
    };
  }
}

/**
 * What a neighbour has been told, and what not, and why.
 * @throws {ControlRefusal} `peer.unknown`, `peer.no-session`
 */
export function advertisedRows(
  sources: ExchangeSources,
  address: string,
  family: PolicyFamily,
): Iterable<ExchangedRouteRow> {
  const status = sessionOf(sources, address, family);
  const told = sources.speaker?.told(address, family);
  return told === undefined ? [] : shownAdvertised(sources, told.routes(), family, status);
}

function* shownAdvertised(
  sources: ExchangeSources,
  routes: IteratorObject<OutgoingRoute>,
  family: PolicyFamily,
  status: PeerStatus,
): Generator<ExchangedRouteRow> {
  const subjects = new Subjects(sources, family);
  const { rib } = sources;
  for (const { key, pathId, source, attributes, state, reason, sent } of routes) {
    const set = (sent && decoded(sent, family, status)) ?? rib.attributes.get(attributes);
    yield {
      ...subjects.of(key),
      ...present({ pathId, reason }),
      outcome: state,
      from: source === 0 ? "local" : (rib.peer(source)?.name ?? `peer ${source}`),
      ...attributeMembers(set),
      ...present({ linkLocal: sent && linkLocalText(sent.nextHop) }),
    };
  }
}

/** The address behind the first one of MP_REACH_NLRI. @see RFC 2545 §3 */
function linkLocalText(nextHop: Uint8Array): string | undefined {
  return nextHop.length > NEXT_HOP_LENGTH ? formatIpv6(nextHop.subarray(NEXT_HOP_LENGTH)) : undefined;
}

/** As the neighbour reads it. */
function decoded(
  { octets, nextHop }: NonNullable<OutgoingRoute["sent"]>,
  family: PolicyFamily,
  { kind, capabilities }: PeerStatus,
): AttributeSet | undefined {
  const asWidth = capabilities.fourOctetAs ? 4 : 2;
  const context = { asWidth, internal: kind === "internal", confederation: kind === "confederation" } as const;
  const first = nextHop.subarray(0, NEXT_HOP_LENGTH);
  const read = codec.decode(octets, { family, nextHop: first }, context);
  return read.kind === "valid" ? read.set : undefined;
}

function sessionOf({ speaker }: ExchangeSources, address: string, family: PolicyFamily): PeerStatus {
  const status = speaker?.peer(address);
  if (status === undefined) {
    throw new ControlRefusal(404, "peer.unknown", "No such peer", `${address} is no BGP neighbour of this router`);
  }
  if (status.perFamily.some((one) => one.family === family && one.agreed)) return status;
  throw new ControlRefusal(
    409,
    "peer.no-session",
    "No session",
    `there is nothing to show of ${address}: ${lackOf(status, family)}`,
  );
}

function lackOf({ state, perFamily }: PeerStatus, family: PolicyFamily): string {
  if (state !== "Established") return `its session is ${state}`;
  const others = perFamily
    .filter(({ family: one, agreed }) => agreed && one !== "route-target")
    .map((one) => one.family);
  const has =
    others.length === 0 ? "" : `; it has ${others.join(" and ")} routes: ask for those (--family ${others[0]})`;
  return `its session has no ${family} routes${has}`;
}

function attributeMembers(set: AttributeSet) {
  const { nextHop, origin, localPref, multiExitDisc, asPath, semantic } = set;
  return {
    nextHop: nextHopText(nextHop),
    origin,
    ...present({ localPref, multiExitDisc, score: semantic?.score }),
    asPath: asPathText(asPath),
    communities: communitiesText(set),
  };
}

/** What keys of a family are about. */
class Subjects {
  readonly #sources: ExchangeSources;
  readonly #family: PolicyFamily;
  /** By hash. */
  readonly #agents = new Map<string, string>();

  constructor(sources: ExchangeSources, family: PolicyFamily) {
    this.#sources = sources;
    this.#family = family;
    if (family !== "capability") return;
    for (const { agent } of sources.directory.agents()) this.#agents.set(toHex(agentIdHash(agent)), agent);
  }

  of(key: Uint8Array): Pick<ExchangedRouteRow, "type" | "route" | "tenant" | "originId"> {
    if (this.#family !== "capability") return { type: "prefix", route: this.#prefix(key) };
    const nlri = decodeCapability(key)!; // a table lets through nothing else
    const { routeDistinguisher, originId } = nlri;
    const tenant = this.#sources.configuration.tenants.find((one) =>
      octetsEqual(one.routeDistinguisher, routeDistinguisher),
    );
    const common = { tenant: tenant?.name ?? toHex(routeDistinguisher), originId: formatIpv4(originId) };
    if (nlri.type === "prefix") return { type: "names", route: `/${[...nlri.labels, "..."].join("/")}`, ...common };
    if (nlri.type === "agent") {
      const agentId = toHex(nlri.agentId);
      return { type: "agent", route: this.#agents.get(agentId) ?? `agent ${agentId}`, ...common };
    }
    const route = this.#sources.names.capability(nlri.capabilityId) ?? toHex(nlri.capabilityId);
    return { type: nlri.type, route, ...common };
  }

  #prefix(key: Uint8Array): string {
    const address = new Uint8Array(this.#family === "ipv4-unicast" ? 4 : 16);
    address.set(key.subarray(1));
    return prefixText(address, key[0]!);
  }
}

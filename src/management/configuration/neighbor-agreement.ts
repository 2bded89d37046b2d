import { formatIpv6Prefix, formatZoned } from "../../base/index.ts";
import type { BgpConfiguration, ListenRangeConfiguration, NeighborSettingsConfiguration } from "./bgp.ts";
import type { ConfigurationFault } from "./error.ts";
import type { NamedKey } from "./keystore.ts";
import type { RouterConfiguration } from "./types.ts";

const BGP = "/semrd-router:router/semrd-bgp:bgp";

/** A neighbour or a range, with everything that it has from elsewhere. */
interface Subject {
  readonly path: string;
  readonly settings: NeighborSettingsConfiguration;
  /** In which autonomous systems its routers may be. */
  readonly internal: boolean;
  readonly external: boolean;
  /** In another member AS of the confederation. */
  readonly member: boolean;
  /** On one link, by addresses that mean something there only. */
  readonly onLink: boolean;
}

interface Rule {
  readonly leaf: string;
  readonly tag: string;
  readonly reason: string;
  readonly breaks: (subject: Subject, configuration: RouterConfiguration) => boolean;
  readonly value?: (settings: NeighborSettingsConfiguration) => string;
}

/** Octets that the kernel takes. */
const LONGEST_TCP_KEY = 80;
const isTooLong = ({ secret }: NamedKey): boolean => secret.length > LONGEST_TCP_KEY;

/** Conditions over settings that may come from three places; where all come from one, YANG has said so before. */
const RULES: readonly Rule[] = [
  {
    leaf: "keepalive-time",
    tag: "keepalive-too-long",
    reason: "the keepalive time is at most a third of the hold time",
    breaks: ({ settings: { keepaliveTime, holdTime = 0 } }) =>
      keepaliveTime !== undefined && keepaliveTime * 3 > holdTime,
    value: ({ keepaliveTime }) => String(keepaliveTime),
  },
  {
    leaf: "md5-key",
    tag: "bad-key-length",
    reason: `TCP MD5 takes keys of at most ${LONGEST_TCP_KEY} octets: give the key in the keystore a shorter one`,
    breaks: ({ settings: { md5Keys } }) => md5Keys.some(isTooLong),
    value: ({ md5Keys }) => md5Keys.find(isTooLong)!.name,
  },
  {
    leaf: "tcp-ao-key",
    tag: "bad-key-length",
    reason: `TCP-AO takes keys of at most ${LONGEST_TCP_KEY} octets: give the key in the keystore a shorter one`,
    breaks: ({ settings: { aoKeys } }) => aoKeys.some(({ key }) => isTooLong(key)),
    value: ({ aoKeys }) => aoKeys.find(({ key }) => isTooLong(key))!.key.name,
  },
  {
    leaf: "route-server-client",
    tag: "internal-route-server-client",
    reason: "a client of a route server is a neighbour of another autonomous system",
    breaks: ({ settings, internal }) => settings.routeServerClient && internal,
  },
  {
    leaf: "role",
    tag: "internal-role",
    reason: "roles are for neighbours of another autonomous system",
    breaks: ({ settings, internal, member }) => settings.role !== undefined && (internal || member),
  },
  {
    leaf: "route-reflector-client",
    tag: "external-client",
    reason: "a client of a route reflector is a neighbour of the same autonomous system",
    breaks: ({ settings, external }) => settings.reflectorClient && external,
  },
  {
    leaf: "cluster-id",
    tag: "cluster-without-client",
    reason: "a cluster has clients: set route-reflector-client, or leave cluster-id out",
    breaks: ({ settings }) => settings.clusterId !== undefined && !settings.reflectorClient,
  },
  {
    leaf: "multihop",
    tag: "multihop-internal",
    reason: "multihop is for neighbours of another autonomous system; those of this one may be any number of hops away",
    breaks: ({ settings, internal }) => settings.multihop !== undefined && internal,
  },
  {
    leaf: "local-address",
    tag: "local-address-on-link",
    reason: "sessions on a link have this router's link-local address there: leave local-address out",
    breaks: ({ settings, onLink }) => settings.localAddress !== undefined && onLink,
  },
  {
    leaf: "multihop",
    tag: "multihop-on-link",
    reason: "link-local addresses are one hop away: leave multihop out",
    breaks: ({ settings, onLink }) => settings.multihop !== undefined && onLink,
  },
  {
    leaf: "bfd",
    tag: "bfd-on-link",
    reason: "BFD watches the way to a global address: configure the neighbour by one, or leave BFD out",
    breaks: ({ settings, onLink }) => settings.bfd !== undefined && onLink,
  },
  {
    leaf: "export-policy",
    tag: "own-as-inside",
    reason: "a neighbour of this AS refuses a path with its own AS in it: give the AS to prepend",
    breaks: ({ settings, internal, member }, { routingPolicy }) =>
      (internal || member) &&
      routingPolicy.policies.some(
        ({ name, statements }) =>
          settings.exportPolicy.includes(name) &&
          statements.some(
            ({ actions: { prepend } }) => prepend !== undefined && prepend.autonomousSystem === undefined,
          ),
      ),
  },
];

function* subjects({ neighbors, ranges, localAs, confederation }: BgpConfiguration): Iterable<Subject> {
  const isMember = (remoteAs: number): boolean => confederation?.members.includes(remoteAs) === true;
  for (const neighbor of neighbors) {
    const path = `${BGP}/neighbors/neighbor[address='${formatZoned(neighbor)}']`;
    const internal = neighbor.kind === "internal";
    const member = isMember(neighbor.remoteAs);
    yield { path, settings: neighbor, internal, external: !internal, member, onLink: neighbor.zone !== undefined };
  }
  for (const range of ranges) {
    const { remoteAs } = range;
    yield {
      path: `${BGP}/dynamic-neighbors/${guestsName(range)}`,
      settings: range,
      onLink: range.interface !== undefined,
      internal: remoteAs === "internal" || (remoteAs !== "external" && remoteAs.includes(localAs)),
      external: remoteAs === "external" || (remoteAs !== "internal" && remoteAs.some((one) => one !== localAs)),
      member: typeof remoteAs === "object" && remoteAs.some(isMember),
    };
  }
}

function guestsName({ prefix, interface: link }: ListenRangeConfiguration): string {
  return link === undefined ? `range[prefix='${formatIpv6Prefix(prefix)}']` : `interface[name='${link}']`;
}

/** What the settings of a neighbour come to once those of its group and of all neighbours are counted in. Pure. */
export function* neighborDisagreements(configuration: RouterConfiguration): Iterable<ConfigurationFault> {
  if (configuration.bgp === undefined) return;
  for (const subject of subjects(configuration.bgp)) {
    for (const { leaf, tag, reason, breaks, value } of RULES) {
      if (!breaks(subject, configuration)) continue;
      const text = value?.(subject.settings);
      yield { path: `${subject.path}/${leaf}`, ...(text === undefined ? {} : { value: text }), reason, tag };
    }
  }
}

import { type Clock, formatIpv6, type Ipv6Address, type Log, type Metrics, toHex } from "../base/index.ts";
import {
  type BrownfieldDomain,
  BrownfieldImport,
  type BrownfieldStatus,
  CapabilityBook,
  exportBorder,
  importBorder,
  judgePayloadCode,
  LabelBook,
  mirrorRoute,
} from "../bgp/brownfield/index.ts";
import { defaultPolicy, type RoutePolicy } from "../bgp/policy/index.ts";
import type { PeerOptions, Speaker } from "../bgp/speaker/index.ts";
import {
  AttributeCodec,
  type CapabilityNlri,
  type CapabilitySiteNlri,
  DEFAULT_DIALECT,
  encodeCapability,
} from "../bgp/wire/index.ts";
import type { NeighborConfiguration, RouterConfiguration } from "../management/index.ts";
import type { AttributeSet, Rib } from "../rib/index.ts";
import type { RouteOrigin } from "./origination.ts";

/** A full UPDATE that grows by one AS on the way is lost or malformed in several daemons. @see DESIGN section 4.5 */
const LONGEST_UPDATE = 3900;
const OTHERWISE = defaultPolicy({ acceptExternal: false });

/** Whether capability routes are said as unicast to anybody. */
export function hasBrownfield({ bgp }: RouterConfiguration): boolean {
  return bgp?.neighbors.some(({ brownfield }) => brownfield !== undefined) === true;
}

function domainOf({ domain, tenants, taxonomy, bgp }: RouterConfiguration): BrownfieldDomain {
  const code = bgp?.brownfield.payloadAttribute;
  return {
    prefix: domain.prefix,
    tenants,
    capabilities: new CapabilityBook(taxonomy.capabilities, taxonomy.familyCodes),
    labels: new LabelBook(bgp?.brownfield.labels ?? []),
    ...(code === undefined ? {} : { payloadCode: code }),
  };
}

/** Borders by the policy behind them and what they say, as the speaker compares policies by identity. */
const BORDERS = new WeakMap<RoutePolicy, Map<string, { readonly in: RoutePolicy; readonly out: RoutePolicy }>>();

function borders(
  configuration: RouterConfiguration,
  { brownfield: session }: NeighborConfiguration,
  policy: RoutePolicy | undefined,
): { readonly in: RoutePolicy; readonly out: RoutePolicy } {
  const { domain, routerId, bgp } = configuration;
  const payloadCode = bgp?.brownfield.payloadAttribute;
  const says = JSON.stringify([toHex(domain.prefix.address), routerId, payloadCode, session]);
  const known = BORDERS.get(policy ?? OTHERWISE) ?? new Map();
  BORDERS.set(policy ?? OTHERWISE, known);
  const options = {
    domain: { prefix: domain.prefix, ...(payloadCode === undefined ? {} : { payloadCode }) },
    session,
    bgpIdentifier: routerId,
    policy,
    otherwise: OTHERWISE,
  };
  const made = known.get(says) ?? { in: importBorder(options), out: exportBorder(options) };
  known.set(says, made);
  return made;
}

/** The options of a neighbour with the border of the domain, where this router has one. */
export function withBorder(
  options: PeerOptions,
  neighbor: NeighborConfiguration,
  configuration: RouterConfiguration,
): PeerOptions {
  const { families, brownfield } = neighbor;
  if (!hasBrownfield(configuration) || families.every(({ family }) => family !== "ipv6-unicast")) return options;
  const bordered = {
    ...options,
    importPolicy: borders(configuration, neighbor, options.importPolicy).in,
    exportPolicy: borders(configuration, neighbor, options.exportPolicy).out,
  };
  if (brownfield === undefined) return bordered;
  return {
    ...bordered,
    longestUpdate: LONGEST_UPDATE,
    // What it says of capabilities it forwards, also while it restarts; other prefixes it does not.
    families: families.map((family) =>
      family.family === "ipv6-unicast" && !brownfield.otherPrefixes ? { ...family, forwarded: true } : family,
    ),
  };
}

interface MirrorParts {
  readonly rib: Rib;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** Both directions of brownfield in one router: own routes said as unicast too, and what came as unicast taken. */
export class Brownfield implements Disposable {
  readonly #configuration: RouterConfiguration;
  /** The same object all the time; what it says changes with {@link know}. */
  readonly #domain: BrownfieldDomain;
  readonly #imported: BrownfieldImport;
  readonly #parts: MirrorParts;
  /** Addresses that are said, by key of the site's route in hexadecimal. */
  readonly #said = new Map<string, readonly Ipv6Address[]>();
  /** What the log has said already: one line for each capability or label is enough. */
  readonly #told = new Set<string>();

  constructor(configuration: RouterConfiguration, parts: MirrorParts) {
    this.#configuration = configuration;
    this.#parts = parts;
    this.#domain = domainOf(configuration);
    const neighbours = (configuration.bgp?.neighbors ?? [])
      .filter(({ brownfield }) => brownfield !== undefined)
      .map(({ address }) => formatIpv6(address));
    const options = { domain: this.#domain, bgpIdentifier: configuration.routerId, neighbours };
    this.#imported = new BrownfieldImport(options, { ...parts, codec: new AttributeCodec(DEFAULT_DIALECT) });
    for (const warning of payloadWarnings(configuration)) parts.log.warn("brownfield.payload-attribute", { warning });
  }

  /** Goes by other tenants and another taxonomy; what came as unicast before is judged when it comes again. */
  know(configuration: RouterConfiguration): void {
    const { tenants, capabilities } = domainOf(configuration);
    Object.assign(this.#domain, { tenants, capabilities });
  }

  /** `undefined` for a neighbour without brownfield. */
  status(address: string): BrownfieldStatus | undefined {
    return this.#imported.status(address);
  }

  /** See `SpeakerParts`. */
  looped(peer: string, set: AttributeSet): void {
    this.#imported.returned(peer, set);
  }

  /** Where routes of this router go from now on: to the speaker, and once more as unicast. */
  origin(speaker: Pick<Speaker, "originate" | "withdraw" | "originateUnicast" | "withdrawUnicast">): RouteOrigin {
    return {
      originate: (nlri, attributes) => {
        speaker.originate(nlri, attributes);
        if (nlri.type === "site") this.#mirror(speaker, nlri, attributes);
      },
      withdraw: (nlri) => {
        speaker.withdraw(nlri);
        this.#withdraw(speaker, nlri);
      },
    };
  }

  #mirror(
    speaker: Pick<Speaker, "originateUnicast" | "withdrawUnicast">,
    nlri: CapabilitySiteNlri,
    set: AttributeSet,
  ): void {
    const { site, bgp } = this.#configuration;
    const mirrored = mirrorRoute(nlri, set, { selector: site.selector, localAs: bgp?.localAs ?? 0 }, this.#domain);
    if (!mirrored.ok) {
      this.#tell("brownfield.route.not-said", { capability: toHex(nlri.capabilityId), reason: mirrored.reason });
      this.#withdraw(speaker, nlri);
      return;
    }
    for (const label of mirrored.labelsLost) this.#tell("brownfield.label.not-said", { label });
    if (mirrored.payloadLost) this.#tell("brownfield.payload.too-long", { capability: toHex(nlri.capabilityId) });
    this.#said.set(toHex(encodeCapability(nlri)), mirrored.addresses);
    for (const address of mirrored.addresses) {
      speaker.originateUnicast({ family: "ipv6-unicast", address, length: 128 }, mirrored.set);
    }
  }

  #withdraw(speaker: Pick<Speaker, "withdrawUnicast">, nlri: CapabilityNlri): void {
    const key = toHex(encodeCapability(nlri));
    for (const address of this.#said.get(key) ?? []) {
      speaker.withdrawUnicast({ family: "ipv6-unicast", address, length: 128 });
    }
    this.#said.delete(key);
  }

  #tell(event: string, fields: Readonly<Record<string, string>>): void {
    const line = JSON.stringify([event, fields]);
    const { log, metrics } = this.#parts;
    metrics
      .counter("semrd_brownfield_not_said_total", "Parts of own routes that unicast does not carry", { event })
      .add();
    if (this.#told.has(line)) return;
    this.#told.add(line);
    log.warn(event, fields);
  }

  /** For `show status`. */
  *warnings(): Iterable<string> {
    yield* payloadWarnings(this.#configuration);
    for (const { address } of this.#configuration.bgp?.neighbors ?? []) {
      const text = formatIpv6(address);
      const status = this.#imported.status(text);
      if (status === undefined) continue;
      const lost = [...status.lost].map(([what, routes]) => `${what} (${routes})`).join(", ");
      if (lost !== "") yield `Capability routes of ${text} come without what they had: ${lost}.`;
      if (status.mismatched > 0) {
        yield `${status.mismatched} capability routes of ${text} are not used: their address stands for another capability here.`;
      }
    }
  }

  /** Stops following what comes; the routes stay as they are. */
  [Symbol.dispose](): void {
    this.#imported[Symbol.dispose]();
  }
}

function* payloadWarnings({ bgp }: RouterConfiguration): Iterable<string> {
  const code = bgp?.brownfield.payloadAttribute;
  const judged = code === undefined ? undefined : judgePayloadCode(code);
  if (judged?.usable === true && judged.warning !== undefined) {
    yield `Payload attribute code ${code}: ${judged.warning}.`;
  }
}

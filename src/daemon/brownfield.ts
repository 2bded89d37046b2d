import { type Clock, formatZoned, type Log, type Metrics, type Random, sameValue } from "../base/index.ts";
import {
  type BrownfieldDomain,
  BrownfieldImport,
  type BrownfieldStatus,
  CapabilityBook,
  judgePayloadCode,
  LabelBook,
} from "../bgp/brownfield/index.ts";
import { AttributeCodec, DEFAULT_DIALECT } from "../bgp/wire/index.ts";
import type { RouterConfiguration } from "../management/index.ts";
import type { AttributeSet, Rib } from "../rib/index.ts";
import type { RouteOrigin } from "./announcer.ts";
import { hasBrownfield } from "./border.ts";
import type { SelectionFan } from "./selection-fan.ts";
import { SiteGateway } from "./site-gateway.ts";
import { SiteMirror, type UnicastOrigin } from "./site-mirror.ts";

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

export interface BrownfieldParts {
  readonly rib: Rib;
  /** What the RIB decides, for routes that are relayed. */
  readonly selections: SelectionFan;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** Both directions of brownfield in one router: own routes said as unicast too, and what came as unicast taken. */
export class Brownfield implements Disposable {
  readonly #parts: BrownfieldParts;
  readonly #mirror: SiteMirror;
  readonly #gateway: SiteGateway;
  /** Made with the first neighbour that has it: it follows a table which would otherwise not be there. */
  #imported: BrownfieldImport | undefined;
  #configuration: RouterConfiguration;

  constructor(configuration: RouterConfiguration, parts: BrownfieldParts) {
    this.#configuration = configuration;
    this.#parts = parts;
    this.#mirror = new SiteMirror(parts);
    this.#gateway = new SiteGateway({ ...parts, mirror: this.#mirror });
    this.#take(configuration);
  }

  /** Goes by another configuration: what is said and what has come is judged anew, over later turns. */
  know(configuration: RouterConfiguration): void {
    const before = this.#configuration;
    this.#configuration = configuration;
    if (!sameValue(matters(before), matters(configuration))) this.#take(configuration);
  }

  #take(configuration: RouterConfiguration): void {
    const { routerId, site, bgp } = configuration;
    const isWanted = hasBrownfield(configuration);
    if (!isWanted && this.#imported === undefined) return;
    const domain = domainOf(configuration);
    const options = { domain, bgpIdentifier: routerId, neighbours: neighboursOf(configuration) };
    if (this.#imported !== undefined) this.#imported.change(options);
    else this.#imported = new BrownfieldImport(options, { ...this.#parts, codec: new AttributeCodec(DEFAULT_DIALECT) });
    const isGateway = isWanted && bgp?.brownfield.gateway === true;
    if (!isGateway) this.#gateway.change(undefined);
    this.#mirror.change(isWanted ? { domain, selector: site.selector, localAs: bgp?.localAs ?? 0 } : undefined);
    if (isGateway) this.#gateway.change(configuration.tenants);
    for (const warning of payloadWarnings(configuration)) {
      this.#parts.log.warn("brownfield.payload-attribute", { warning });
    }
  }

  /** `undefined` for a neighbour without brownfield. */
  status(address: string): BrownfieldStatus | undefined {
    return this.#imported?.status(address);
  }

  /** Resolves when all that has come as unicast by now is known as capability routes. */
  settled(): Promise<void> {
    return this.#imported?.settled() ?? Promise.resolve();
  }

  /** See `SpeakerParts`. */
  looped(peer: string, set: AttributeSet): void {
    this.#imported?.returned(peer, set);
  }

  /** Where routes of this router go from now on: to the speaker, and once more as unicast. */
  origin(speaker: UnicastOrigin): RouteOrigin {
    return this.#mirror.before(speaker);
  }

  /** For `show status`. */
  *warnings(): Iterable<string> {
    yield* payloadWarnings(this.#configuration);
    for (const address of neighboursOf(this.#configuration)) {
      const status = this.#imported?.status(address);
      if (status === undefined) continue;
      const lost = [...status.lost].map(([what, routes]) => `${what} (${routes})`).join(", ");
      if (lost !== "") yield `Capability routes of ${address} come without what they had: ${lost}.`;
      if (status.mismatched > 0) {
        yield `${status.mismatched} capability routes of ${address} are not used: their address stands for another capability here.`;
      }
    }
  }

  /** Stops following what comes; the routes stay as they are. */
  [Symbol.dispose](): void {
    this.#gateway[Symbol.dispose]();
    this.#mirror[Symbol.dispose]();
    this.#imported?.[Symbol.dispose]();
  }
}

function neighboursOf({ bgp }: RouterConfiguration): readonly string[] {
  return (bgp?.neighbors ?? []).filter(({ brownfield }) => brownfield !== undefined).map(formatZoned);
}

/** All of the configuration that decides about routes. */
function matters(configuration: RouterConfiguration): unknown {
  const { domain, tenants, taxonomy, bgp, site, routerId } = configuration;
  return [domain, tenants, taxonomy, bgp?.brownfield, bgp?.localAs, site, routerId, neighboursOf(configuration)];
}

function* payloadWarnings({ bgp }: RouterConfiguration): Iterable<string> {
  const code = bgp?.brownfield.payloadAttribute;
  const judged = code === undefined ? undefined : judgePayloadCode(code);
  if (judged?.usable === true && judged.warning !== undefined) {
    yield `Payload attribute code ${code}: ${judged.warning}.`;
  }
}

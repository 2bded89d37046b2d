import { type Clock, formatIpv6, parseIpv4, parseIpv6 } from "../../../src/base/index.ts";
import {
  type BrownfieldDomain,
  BrownfieldImport,
  type BrownfieldSession,
  exportBorder,
  importBorder,
} from "../../../src/bgp/brownfield/index.ts";
import { defaultPolicy, type RoutePolicy } from "../../../src/bgp/policy/index.ts";
import type { PeerOptions } from "../../../src/bgp/speaker/index.ts";
import { AttributeCodec, type CapabilitySiteNlri, DEFAULT_DIALECT } from "../../../src/bgp/wire/index.ts";
import type { AttributeSet, CapabilitySelection } from "../../../src/rib/index.ts";
import type { Router, RouterOptions } from "../speaker/router.ts";
import { A, B, type Scene } from "../speaker/scene.ts";
import { capabilityIdOf, domain, mirrored, siteNlri, siteSet } from "./samples.ts";

/** Where routers are made: a simulated network, or namespaces. */
export interface World {
  readonly clock: Clock;
  router(options: RouterOptions): Promise<Router>;
}

export interface MemberOptions {
  readonly address: string;
  readonly port?: number;
  readonly identifier: string;
  readonly localAs?: number;
  readonly session?: Partial<BrownfieldSession>;
  readonly domain?: BrownfieldDomain;
  /** The router in between. */
  readonly through: Partial<PeerOptions> & { readonly address: string };
  readonly others?: readonly (Partial<PeerOptions> & { readonly address: string })[];
}

const PLAIN: BrownfieldSession = { noExport: false, payload: true, otherPrefixes: false };

/** A router of the domain with one brownfield neighbour. */
export class Member {
  readonly router: Router;
  readonly imported: BrownfieldImport;
  readonly domain: BrownfieldDomain;

  private constructor(router: Router, imported: BrownfieldImport, of: BrownfieldDomain) {
    this.router = router;
    this.imported = imported;
    this.domain = of;
  }

  static async start(world: World, options: MemberOptions): Promise<Member> {
    const of = options.domain ?? domain();
    const bgpIdentifier = parseIpv4(options.identifier)!;
    const session = { ...PLAIN, ...options.session };
    const border = { domain: of, session, bgpIdentifier, otherwise: defaultPolicy({ acceptExternal: false }) };
    const { importPolicy, exportPolicy, ...through } = options.through;
    let imported: BrownfieldImport | undefined;
    const router = await world.router({
      address: options.address,
      identifier: options.identifier,
      ...(options.port === undefined ? {} : { port: options.port }),
      ...(options.localAs === undefined ? {} : { localAs: options.localAs }),
      looped: (peer, set) => imported?.returned(peer, set),
      peers: [
        {
          families: [{ family: "capability" }, { family: "ipv6-unicast" }],
          importPolicy: importBorder({ ...border, policy: importPolicy }),
          exportPolicy: exportBorder({ ...border, policy: exportPolicy }),
          longestUpdate: 3900,
          ...through,
        },
        ...(options.others ?? []),
      ],
    });
    imported = new BrownfieldImport(
      { domain: of, bgpIdentifier, neighbours: [formatIpv6(parseIpv6(through.address)!)] },
      {
        rib: router.rib,
        codec: new AttributeCodec(DEFAULT_DIALECT),
        clock: world.clock,
        log: router.log,
        metrics: router.metrics,
      },
    );
    return new Member(router, imported, of);
  }

  /** Says both addresses of a site's route, or those that are wanted. */
  say(set: AttributeSet = siteSet(), nlri: CapabilitySiteNlri = this.nlri(), only?: 0 | 1): void {
    const { addresses, set: sent } = mirrored(set, this.domain, nlri);
    for (const [i, address] of addresses.entries()) {
      if (only !== undefined && only !== i) continue;
      this.router.speaker.originateUnicast({ family: "ipv6-unicast", address, length: 128 }, sent);
    }
  }

  unsay(only?: 0 | 1, nlri: CapabilitySiteNlri = this.nlri()): void {
    const { addresses } = mirrored(siteSet(), this.domain, nlri);
    for (const [i, address] of addresses.entries()) {
      if (only === undefined || only === i) {
        this.router.speaker.withdrawUnicast({ family: "ipv6-unicast", address, length: 128 });
      }
    }
  }

  nlri(changes: Partial<CapabilitySiteNlri> = {}): CapabilitySiteNlri {
    return siteNlri({ originId: this.router.originId, ...changes });
  }

  /** What it knows of the sample capability. */
  selection(): CapabilitySelection {
    return this.router.rib.capability.select(1, capabilityIdOf());
  }

  /** `origin judgement step by whom` of each candidate. */
  candidates(): string[] {
    return this.selection().candidates.map(({ candidate, judgement, step }) => {
      const name = candidate.local ? "local" : this.router.rib.peer(candidate.peer)!.name;
      return `${candidate.originId & 0xff} ${judgement} ${step} from ${name}`;
    });
  }
}

/** Policy of the router in between: it changes every set. */
export function changing(change: (set: AttributeSet) => AttributeSet): RoutePolicy {
  return (set) => ({ verdict: "replace", attributes: change(set) });
}

/** The router in between. */
export const T = "2001:db8::7";
export const UNICAST = [{ family: "ipv6-unicast" }] as const;

export interface Changes {
  readonly a?: Partial<MemberOptions>;
  readonly b?: Partial<MemberOptions>;
  /** What the router in between does to what it hands to B. */
  readonly towardsB?: (set: AttributeSet) => AttributeSet;
}

/** A and B on both sides of a route reflector that knows nothing of capabilities. */
export async function reflected(scene: Scene, { a, b, towardsB = (set) => set }: Changes = {}) {
  const client = { families: UNICAST, reflectorClient: true };
  const between = await scene.router({
    address: T,
    identifier: "10.0.0.7",
    peers: [
      { ...client, address: A },
      { ...client, address: B, exportPolicy: changing(towardsB) },
    ],
  });
  const first = await Member.start(scene, { address: A, identifier: "10.0.0.1", through: { address: T }, ...a });
  const second = await Member.start(scene, { address: B, identifier: "10.0.0.2", through: { address: T }, ...b });
  return { between, a: first, b: second };
}

import type { Clock } from "../../base/index.ts";
import type { PeerIndex, Rib, RouteFamily } from "../../rib/index.ts";
import { encodeOpen, IPV4_UNICAST } from "../wire/index.ts";
import { type FeedSink, TableFeed } from "./table-feed.ts";
import type { UpdateWriter } from "./update-writer.ts";
import { encodePeerUp, type PeerView } from "./wire/index.ts";

/** This router. */
export interface LocalFacts {
  readonly name: string;
  readonly description: string;
  readonly autonomousSystem: number;
  readonly bgpIdentifier: number;
}

export interface LocRibParts {
  readonly rib: Pick<Rib, "table" | "openPeer" | "closePeer">;
  readonly families: readonly RouteFamily[];
  readonly writer: UpdateWriter;
  readonly clock: Clock;
  readonly local: LocalFacts;
}

/**
 * The best routes of this router for one station. It reads the tables as a neighbour that is told everything does.
 *
 * @see RFC 9069
 */
export class LocRibFeed implements Disposable {
  readonly #parts: LocRibParts;
  readonly #view: PeerView;
  readonly #peer: PeerIndex;
  readonly #feed: TableFeed;

  constructor(parts: LocRibParts, sink: FeedSink) {
    const { rib, families, local, writer, clock } = parts;
    const { autonomousSystem, bgpIdentifier } = local;
    this.#parts = parts;
    this.#view = { kind: "loc-rib", autonomousSystem, bgpIdentifier };
    this.#peer = rib.openPeer({
      name: "bmp",
      kind: "external",
      bgpIdentifier: 0,
      address: new Uint8Array(16),
      autonomousSystem: 0,
    });
    sink.write(this.#up());
    const outputs = families.map((family) => [family, rib.table(family).openOutput(this.#peer)] as const);
    const form = { postPolicy: false, asWidth: 4 } as const;
    this.#feed = new TableFeed({ writer, clock, view: this.#view, form, outputs, pathIds: () => false }, sink);
  }

  /** Tells what there is to tell while there is room. */
  pump(): void {
    this.#feed.pump();
  }

  /** Both OPENs are made up, and the same: they offer whatever the routes need. @see RFC 9069 §4.4 */
  #up(): Uint8Array {
    const { families, local, clock, writer } = this.#parts;
    const { autonomousSystem, bgpIdentifier } = local;
    const open = encodeOpen({
      autonomousSystem,
      holdTime: undefined,
      bgpIdentifier,
      capabilities: {
        families: writer.wireFamilies(families),
        routeRefresh: false,
        fourOctetAs: autonomousSystem,
        extendedMessages: true,
        ...(families.includes("ipv4-unicast") ? { extendedNextHop: [IPV4_UNICAST] } : {}),
        unknown: [],
      },
    });
    return encodePeerUp(this.#view, clock.wall(), {
      localAddress: new Uint8Array(16),
      localPort: 0,
      remotePort: 0,
      openSent: open,
      openReceived: open,
    });
  }

  [Symbol.dispose](): void {
    this.#feed[Symbol.dispose]();
    this.#parts.rib.closePeer(this.#peer);
  }
}

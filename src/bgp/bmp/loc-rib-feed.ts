import { type Clock, milliseconds } from "../../base/index.ts";
import type { OutputVisitor, PeerIndex, Rib, RouteFamily, RouteOutput } from "../../rib/index.ts";
import { DEFAULT_DIALECT, encodeOpen, wireFamily } from "../wire/index.ts";
import type { UpdateWriter } from "./update-writer.ts";
import { encodePeerUp, encodeRouteMonitoring, type PeerView } from "./wire/index.ts";

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

export interface LocRibSink {
  write(message: Uint8Array): void;
  hasRoom(): boolean;
}

const SLICE = milliseconds(3);
const NETS_AT_ONCE = 64;

/**
 * The best routes of this router for one station: first all, then what changes. It reads the tables as a neighbour that is told everything
 * does: a slow station costs two bits a route, and a route that changes twice meanwhile is told once.
 *
 * @see RFC 9069
 */
export class LocRibFeed implements Disposable {
  readonly #parts: LocRibParts;
  readonly #sink: LocRibSink;
  readonly #view: PeerView;
  readonly #peer: PeerIndex;
  readonly #outputs: readonly { readonly family: RouteFamily; readonly output: RouteOutput; ended: boolean }[];
  #scheduled = false;
  #closed = false;

  constructor(parts: LocRibParts, sink: LocRibSink) {
    const { rib, families, local } = parts;
    const { autonomousSystem, bgpIdentifier } = local;
    this.#parts = parts;
    this.#sink = sink;
    this.#view = { kind: "loc-rib", autonomousSystem, bgpIdentifier };
    this.#peer = rib.openPeer({
      name: "bmp",
      kind: "external",
      bgpIdentifier: 0,
      address: new Uint8Array(16),
      autonomousSystem: 0,
    });
    sink.write(this.#up());
    this.#outputs = families.map((family) => {
      const output = rib.table(family).openOutput(this.#peer);
      output.onPending = () => this.#schedule();
      return { family, output, ended: false };
    });
    this.#schedule();
  }

  /** Both OPENs are made up, and the same. @see RFC 9069 §4.4 */
  #up(): Uint8Array {
    const { families, local, clock } = this.#parts;
    const { autonomousSystem, bgpIdentifier } = local;
    const open = encodeOpen({
      autonomousSystem,
      holdTime: undefined,
      bgpIdentifier,
      capabilities: {
        families: families.map((family) => wireFamily(family, DEFAULT_DIALECT)),
        routeRefresh: false,
        fourOctetAs: autonomousSystem,
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

  #schedule(): void {
    if (this.#scheduled || this.#closed) return;
    this.#scheduled = true;
    this.#parts.clock.soon(() => {
      this.#scheduled = false;
      if (!this.#closed) this.pump();
    });
  }

  /** Tells what there is to tell while there is room; the rest when there is again, or on a later turn. */
  pump(): void {
    const { clock, writer } = this.#parts;
    const started = clock.monotonic();
    for (const entry of this.#outputs) {
      const visitor = this.#visitor(entry.family);
      while (this.#sink.hasRoom()) {
        const left = entry.output.drain(visitor, NETS_AT_ONCE);
        if (left === 0 && !entry.ended) {
          entry.ended = true;
          this.#monitor(writer.endOfRib(entry.family));
        }
        if (left === 0) break;
        if (clock.monotonic() - started < SLICE) continue;
        this.#schedule();
        return;
      }
    }
  }

  #visitor(family: RouteFamily): OutputVisitor {
    const { writer } = this.#parts;
    const one = { octets: new Uint8Array(0), starts: new Int32Array(1), lengths: new Int32Array(1), count: 1 };
    const keys = (key: Uint8Array, start: number, length: number): typeof one => {
      one.octets = key as typeof one.octets;
      one.starts[0] = start;
      one.lengths[0] = length;
      return one;
    };
    const take = (update: Uint8Array): void => this.#monitor(update);
    return {
      admit: () => true,
      announce: (id, key, start, length) => {
        writer.announce(family, keys(key, start, length), writer.ofId(family, id), take);
        return true;
      },
      withdraw: (key, start, length) => {
        writer.withdraw(family, keys(key, start, length), take);
        return true;
      },
    };
  }

  #monitor(update: Uint8Array): void {
    const form = { postPolicy: false, asWidth: 4 } as const;
    this.#sink.write(encodeRouteMonitoring(this.#view, this.#parts.clock.wall(), form, update));
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    for (const { output } of this.#outputs) {
      output.onPending = undefined;
      output[Symbol.dispose]();
    }
    this.#parts.rib.closePeer(this.#peer);
  }
}

import { type Clock, milliseconds } from "../../base/index.ts";
import { LOCAL_PEER, type Rib, type RouteFamily } from "../../rib/index.ts";
import { type AttributeCodec, type NlriBatch, type ReceivedSet, UpdateDecoder } from "../wire/index.ts";
import { type RouteReaderCounts, type RouteReaderOptions, readRoutes } from "./route-reader.ts";

export interface LoadOptions extends RouteReaderOptions {
  readonly families: readonly RouteFamily[];
  /** Routes a second; as fast as the file is read without it. */
  readonly pace?: number;
  /** Announced and withdrawn routes after which the rest of the file is left alone. */
  readonly limit?: number;
}

export interface LoadParts {
  readonly rib: Pick<Rib, "table" | "attributes">;
  readonly codec: AttributeCodec;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

export interface LoadCounts extends RouteReaderCounts {
  announced: number;
  withdrawn: number;
  /** UPDATEs that broke the rules of RFC 7606, and routes of other families. */
  refused: number;
}

const SLICE = milliseconds(3);

/**
 * Brings the routes of a file into the RIB as this router's own, from where they go to neighbours like any others. What is
 * meant for the inside of the AS that wrote the file (LOCAL_PREF, ORIGINATOR_ID) is left out.
 *
 * @throws {MrtFormatError} @throws {RibError} `rib.route-limit`, `rib.attribute-limit`
 */
export async function loadRoutes(
  chunks: AsyncIterable<Uint8Array>,
  options: LoadOptions,
  parts: LoadParts,
): Promise<LoadCounts> {
  const { clock, signal } = parts;
  const counts: LoadCounts = {
    records: 0,
    updates: 0,
    skipped: 0,
    malformed: 0,
    announced: 0,
    withdrawn: 0,
    refused: 0,
  };
  const loader = new Loader(options.families, parts, counts);
  const began = clock.monotonic();
  let slice = began;
  for await (const update of readRoutes(chunks, counts, options)) {
    if (signal.aborted) break;
    loader.take(update.body, update.asWidth);
    const routes = counts.announced + counts.withdrawn;
    if (options.limit !== undefined && routes >= options.limit) break;
    const ahead = options.pace === undefined ? 0 : (1000 * routes) / options.pace - (clock.monotonic() - began);
    if (ahead < 1 && clock.monotonic() - slice < SLICE) continue;
    await pause(clock, ahead);
    slice = clock.monotonic();
  }
  return counts;
}

/** Until it is time, or for a turn. */
function pause(clock: Clock, ahead: number): Promise<void> {
  return new Promise((resolve) => {
    if (ahead >= 1) clock.after(milliseconds(ahead), resolve);
    else clock.soon(resolve);
  });
}

class Loader {
  readonly #parts: LoadParts;
  readonly #counts: LoadCounts;
  readonly #decoders: Readonly<Record<2 | 4, UpdateDecoder>>;

  constructor(families: readonly RouteFamily[], parts: LoadParts, counts: LoadCounts) {
    this.#parts = parts;
    this.#counts = counts;
    const decoder = (asWidth: 2 | 4): UpdateDecoder =>
      new UpdateDecoder(parts.codec, { asWidth, internal: false }, { families, extendedNextHop: true });
    this.#decoders = { 2: decoder(2), 4: decoder(4) };
  }

  take(body: Uint8Array, asWidth: 2 | 4): void {
    const decoder = this.#decoders[asWidth];
    const outcome = decoder.decode(body, 0, body.length);
    if (outcome.kind === "end-of-rib") return;
    if (outcome.kind !== "routes") {
      this.#counts.refused++;
      return;
    }
    const { announced, withdrawn, announcedFamily, withdrawnFamily, classic } = decoder;
    this.#withdraw(withdrawnFamily, withdrawn);
    this.#withdraw("ipv4-unicast", classic.withdrawn);
    this.#announce(announcedFamily, announced, outcome.attributes);
    this.#announce("ipv4-unicast", classic.announced, outcome.classicAttributes);
    if (announced.seen + withdrawn.seen + classic.announced.seen + classic.withdrawn.seen === 0) this.#counts.refused++;
  }

  #withdraw(family: RouteFamily, keys: NlriBatch): void {
    if (keys.count === 0) return;
    this.#parts.rib.table(family).withdraw(LOCAL_PEER, keys);
    this.#counts.withdrawn += keys.count;
  }

  #announce(family: RouteFamily, keys: NlriBatch, attributes: ReceivedSet | undefined): void {
    if (keys.count === 0) return;
    if (attributes === undefined) {
      this.#counts.refused++;
      this.#parts.rib.table(family).withdraw(LOCAL_PEER, keys);
      return;
    }
    const { octets, length, source } = attributes;
    const { rib } = this.#parts;
    const id = rib.attributes.intern(octets, 0, length, source, family);
    rib.table(family).announce(LOCAL_PEER, keys, id);
    this.#counts.announced += keys.count;
  }
}

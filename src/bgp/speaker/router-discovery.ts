import {
  type Clock,
  type Ipv6Address,
  type Log,
  type Milliseconds,
  messageOf,
  milliseconds,
  octetsEqual,
  parseZoned,
  toHex,
} from "../../base/index.ts";
import { encodeRouterAdvertisement, encodeRouterSolicitation, readDiscovery } from "./router-advertisement.ts";
import type { DiscoverySocket, Transport } from "./transport.ts";

/** This router is said so often: at first, and while it knows nobody; and later on. */
const EAGER = milliseconds(1000);
const CALM = milliseconds(10_000);
/** So long after the interface came it is eager. */
const YOUNG = milliseconds(30_000);
/** Messages that are read at a time: a flood on the link is no reason to stop. */
const MOST_MESSAGES = 64;
/** Routers that are remembered on one link. */
const MOST_ROUTERS = 256;
/** Who has been silent for so long makes place for another one where there are too many, whatever lifetime it has said. */
const SILENT = milliseconds(30_000);
const ALL_NODES = "ff02::1";
const ALL_ROUTERS = "ff02::2";

/** An interface. */
interface Place {
  readonly zone: string;
  readonly index: number | undefined;
}

/**
 * Who else is a router on a link, and telling them that this one is there: what neighbours without addresses in their configurations
 * find each other by. Nothing is read but when it is asked to `look`.
 * @see RFC 4861 §6
 */
export class RouterDiscovery implements Disposable {
  readonly zone: string;
  /** Of the interface that the socket is on, where that is known. */
  readonly index: number | undefined;
  readonly #socket: DiscoverySocket;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #began: Milliseconds;
  #saidAt: Milliseconds | undefined;
  /** When each router said so last, and until when it is there: the one that has been silent for longest first. */
  readonly #routers = new Map<string, { readonly heardAt: number; readonly until: number }>();

  private constructor({ zone, index }: Place, socket: DiscoverySocket, { clock, log }: { clock: Clock; log: Log }) {
    this.zone = zone;
    this.index = index;
    this.#socket = socket;
    this.#clock = clock;
    this.#log = log;
    this.#began = clock.monotonic();
  }

  /** `undefined`: nothing can be heard there, now or at all. */
  static on(
    place: Place,
    parts: { readonly transport: Transport; readonly clock: Clock; readonly log: Log },
  ): RouterDiscovery | undefined {
    const { zone } = place;
    try {
      const socket = parts.transport.discover?.(zone);
      return socket && new RouterDiscovery(place, socket, parts);
    } catch (cause) {
      parts.log.debug("bgp.discovery.failed", { interface: zone, reason: messageOf(cause) });
      return undefined;
    }
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }

  /** Whether the router at this address is there. */
  hears(address: string): boolean {
    const router = this.#routers.get(address);
    return router !== undefined && router.until > this.#clock.monotonic();
  }

  /**
   * Reads what has come and says what is due.
   * @param own this router's address there: a link that leads back brings what it says itself
   * @returns routers that are there, or false: the interface is not there any more
   */
  look(own: Ipv6Address): readonly string[] | false {
    try {
      const asked = this.#read(own);
      this.#say(asked);
    } catch (cause) {
      this.#log.debug("bgp.discovery.failed", { interface: this.zone, reason: messageOf(cause) });
      return false;
    }
    const now = this.#clock.monotonic();
    for (const [address, { until }] of this.#routers) if (until <= now) this.#routers.delete(address);
    return [...this.#routers.keys()];
  }

  /** @returns whether somebody asks who is there */
  #read(own: Ipv6Address): boolean {
    let asked = false;
    for (let i = 0; i < MOST_MESSAGES; i++) {
      const message = this.#socket.receive();
      if (message === undefined) break;
      const found = readDiscovery(message);
      if (found === undefined) {
        this.#log.debug("bgp.discovery.ignored", { interface: this.zone, octets: toHex(message.octets) });
      } else if (found.kind === "solicitation") asked = true;
      else {
        const source = parseZoned(found.source);
        if (source?.zone === this.zone && !octetsEqual(source.address, own)) this.#heard(found.source, found.lifetime);
      }
    }
    return asked;
  }

  #heard(router: string, lifetime: number): void {
    const now = this.#clock.monotonic();
    if (!this.#routers.delete(router) && this.#routers.size >= MOST_ROUTERS && !this.#makePlace(now)) return;
    this.#routers.set(router, { heardAt: now, until: now + 1000 * lifetime });
  }

  /** Whoever once said that many routers are there for hours does not keep out those that say so again and again. */
  #makePlace(now: number): boolean {
    const [address, { heardAt }] = this.#routers.entries().next().value!;
    return now - heardAt >= SILENT && this.#routers.delete(address);
  }

  #say(asked: boolean): void {
    const now = this.#clock.monotonic();
    const isEager = now - this.#began < YOUNG || this.#routers.size === 0;
    const isDue = this.#saidAt === undefined || now - this.#saidAt >= (isEager ? EAGER : CALM);
    if (!isDue && !asked) return;
    this.#socket.send(encodeRouterAdvertisement(), `${ALL_NODES}%${this.zone}`);
    if (this.#routers.size === 0) this.#socket.send(encodeRouterSolicitation(), `${ALL_ROUTERS}%${this.zone}`);
    this.#saidAt = now;
  }
}

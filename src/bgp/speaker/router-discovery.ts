import {
  type Clock,
  type Log,
  type Milliseconds,
  messageOf,
  milliseconds,
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
const ALL_NODES = "ff02::1";
const ALL_ROUTERS = "ff02::2";

/**
 * Who else is a router on a link, and telling them that this one is there: what neighbours without addresses in their configurations
 * find each other by. Nothing is read but when it is asked to `look`.
 * @see RFC 4861 §6
 */
export class RouterDiscovery implements Disposable {
  readonly zone: string;
  readonly #socket: DiscoverySocket;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #began: Milliseconds;
  #saidAt: Milliseconds | undefined;
  /** Until when each router is there. */
  readonly #routers = new Map<string, number>();

  private constructor(zone: string, socket: DiscoverySocket, { clock, log }: { clock: Clock; log: Log }) {
    this.zone = zone;
    this.#socket = socket;
    this.#clock = clock;
    this.#log = log;
    this.#began = clock.monotonic();
  }

  /** `undefined`: nothing can be heard there, now or at all. */
  static on(
    zone: string,
    parts: { readonly transport: Transport; readonly clock: Clock; readonly log: Log },
  ): RouterDiscovery | undefined {
    try {
      const socket = parts.transport.discover?.(zone);
      return socket && new RouterDiscovery(zone, socket, parts);
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
    const until = this.#routers.get(address);
    return until !== undefined && until > this.#clock.monotonic();
  }

  /** Reads what has come and says what is due. @returns routers that are there, or false: the interface is not there any more */
  look(): readonly string[] | false {
    try {
      const asked = this.#read();
      this.#say(asked);
    } catch (cause) {
      this.#log.debug("bgp.discovery.failed", { interface: this.zone, reason: messageOf(cause) });
      return false;
    }
    const now = this.#clock.monotonic();
    for (const [address, until] of this.#routers) if (until <= now) this.#routers.delete(address);
    return [...this.#routers.keys()];
  }

  /** @returns whether somebody asks who is there */
  #read(): boolean {
    let asked = false;
    for (let i = 0; i < MOST_MESSAGES; i++) {
      const message = this.#socket.receive();
      if (message === undefined) break;
      const found = readDiscovery(message);
      if (found === undefined) {
        this.#log.debug("bgp.discovery.ignored", { interface: this.zone, octets: toHex(message.octets) });
      } else if (found.kind === "solicitation") asked = true;
      else if (parseZoned(found.source)?.zone === this.zone) this.#heard(found.source, found.lifetime);
    }
    return asked;
  }

  #heard(router: string, lifetime: number): void {
    if (this.#routers.size >= MOST_ROUTERS && !this.#routers.has(router)) return;
    this.#routers.set(router, this.#clock.monotonic() + 1000 * lifetime);
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

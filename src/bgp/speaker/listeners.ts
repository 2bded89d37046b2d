import {
  type Counter,
  formatIpv4,
  formatIpv6,
  type Ipv6Prefix,
  type Log,
  type Metrics,
  messageOf,
  sameValue,
} from "../../base/index.ts";
import { isMappedIpv4 } from "../wire/index.ts";
import type { ListenRange } from "./listen-ranges.ts";
import type { LinkListenAddress, ListenAddress, PeerOptions } from "./options.ts";
import { zoneOf } from "./peer-address.ts";
import { protectionOf, type TcpProtection } from "./tcp-protection.ts";
import type { Connection, Endpoint, Guard, Listener, Transport } from "./transport.ts";

export interface GuardedPeer {
  readonly options: PeerOptions;
  /** Of now: the keys of a neighbour may take turns. */
  readonly protection: TcpProtection;
}

export interface ListenersParts {
  readonly transport: Transport;
  readonly log: Log;
  readonly metrics: Metrics;
  /** The configured neighbours of now. */
  readonly peers: () => IteratorObject<GuardedPeer>;
  /** From where others may come. */
  readonly ranges: () => readonly ListenRange[];
  /** Takes a connection of a neighbour; false: this address is none. */
  readonly accept: (connection: Connection, protects: (address: string) => boolean) => boolean;
}

/** A range in the words of sockets: IPv4 as such. */
function guarded({ address, length }: Ipv6Prefix): { readonly address: string; readonly prefixLength: number } {
  if (length < 96 || !isMappedIpv4(address)) return { address: formatIpv6(address), prefixLength: length };
  const v4 = new DataView(address.buffer, address.byteOffset).getUint32(12);
  return { address: formatIpv4(v4), prefixLength: length - 96 };
}

interface Open {
  readonly asked: ListenAddress;
  readonly listener: Listener;
}

/** Where this router is connected to, how that is protected, and who is turned away. */
export class Listeners implements AsyncDisposable {
  readonly #parts: ListenersParts;
  readonly #strangers: Counter;
  #strangersRefused = 0;
  #open: readonly Open[] = [];
  /** On links, by address and interface. */
  readonly #onLinks = new Map<string, Listener | "opening" | "failed">();
  /** Of those, the ones of the latest call. */
  #wantedOnLinks: ReadonlyMap<string, LinkListenAddress> = new Map();
  readonly #opening = new Set<Promise<void>>();
  /** Those that end: not before the connections that were accepted there. */
  readonly #leaving = new Set<Promise<void>>();

  constructor(parts: ListenersParts) {
    this.#parts = parts;
    this.#strangers = parts.metrics.counter(
      "semrd_bgp_refused_connections_total",
      "Connections from addresses that are no neighbours, or lack their protection",
    );
  }

  /** Connections of those who are no neighbours, or lack their protection. */
  get strangersRefused(): number {
    return this.#strangersRefused;
  }

  /**
   * Listens at these addresses as well. @throws {TransportError} `bgp.listen-failed`, `bgp.needs-addon`; none of them is
   * listened at then
   */
  async listen(addresses: readonly ListenAddress[]): Promise<void> {
    const before = this.#open;
    try {
      for (const address of addresses) {
        if (!this.#open.some(({ asked }) => sameValue(asked, address))) await this.#listen(address);
      }
    } catch (cause) {
      for (const { listener } of this.#open.slice(before.length)) this.#close(listener);
      this.#open = before;
      throw cause;
    }
  }

  async #listen(asked: ListenAddress): Promise<void> {
    this.#open = [...this.#open, { asked, listener: await this.#openAt(asked) }];
  }

  async #openAt(asked: ListenAddress): Promise<Listener> {
    const guards = this.#guards(zoneOf(asked.address));
    const listener = await this.#parts.transport.listen(asked, guards, (connection) =>
      this.#accept(connection, listener),
    );
    try {
      // Neighbours may have come, gone or changed their keys while it was opened.
      listener.guard(this.#guards(zoneOf(asked.address)));
    } catch (cause) {
      this.#close(listener);
      throw cause;
    }
    for (const { options } of this.#parts.peers()) this.#warnUnprotected(listener, options);
    return listener;
  }

  /** Listens at these addresses of links and at no others; where that fails it is tried again with the next call. */
  onLinks(addresses: readonly LinkListenAddress[]): void {
    const key = ({ address, port, index }: LinkListenAddress): string => `${address} ${port} ${index}`;
    const wanted = new Map(addresses.map((address) => [key(address), address]));
    this.#wantedOnLinks = wanted;
    for (const [name, listener] of this.#onLinks) {
      if (wanted.has(name) || listener === "opening") continue;
      this.#onLinks.delete(name);
      if (listener !== "failed") this.#close(listener);
    }
    for (const [name, address] of wanted) {
      const known = this.#onLinks.get(name);
      if (known !== undefined && known !== "failed") continue;
      const opening = this.#openOnLink(name, address, known === undefined).finally(() => this.#opening.delete(opening));
      this.#opening.add(opening);
    }
  }

  async #openOnLink(name: string, asked: ListenAddress, isFirst: boolean): Promise<void> {
    this.#onLinks.set(name, "opening");
    try {
      const listener = await this.#openAt({ address: asked.address, port: asked.port });
      if (!this.#wantedOnLinks.has(name)) {
        this.#onLinks.delete(name);
        return this.#close(listener);
      }
      this.#onLinks.set(name, listener);
      this.#parts.log.info("bgp.listener.on-link", { listener: asked.address, port: asked.port });
    } catch (cause) {
      if (!this.#wantedOnLinks.has(name)) return void this.#onLinks.delete(name);
      this.#onLinks.set(name, "failed");
      if (isFirst) this.#parts.log.warn("bgp.listener.failed", { listener: asked.address, reason: messageOf(cause) });
    }
  }

  /** Nobody is accepted elsewhere any more; sessions that stand go on. */
  keepOnly(addresses: readonly ListenAddress[]): void {
    const stays = ({ asked }: Open): boolean => addresses.some((address) => sameValue(asked, address));
    for (const open of this.#open) if (!stays(open)) this.#close(open.listener);
    this.#open = this.#open.filter(stays);
  }

  #close(listener: Listener): void {
    const leaving = Promise.resolve(listener[Symbol.asyncDispose]()).finally(() => this.#leaving.delete(leaving));
    this.#leaving.add(leaving);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.keepOnly([]);
    this.onLinks([]);
    await Promise.all(this.#opening);
    await Promise.all(this.#leaving);
  }

  get local(): readonly Endpoint[] {
    return this.#open.map(({ listener }) => listener.local);
  }

  /** Neighbours have come or gone, or are protected in another way. @throws {TransportError} `bgp.needs-addon` */
  guard(): void {
    for (const listener of this.#listeners()) listener.guard(this.#guards(zoneOf(listener.local.address)));
  }

  *#listeners(): Generator<Listener> {
    for (const { listener } of this.#open) yield listener;
    for (const listener of this.#onLinks.values()) if (typeof listener === "object") yield listener;
  }

  /** Says so where a neighbour cannot be accepted. */
  added(peer: PeerOptions): void {
    for (const listener of this.#listeners()) this.#warnUnprotected(listener, peer);
  }

  /** @param zone the interface of a listener on its link; the neighbours of others do not come there */
  #guards(zone: string | undefined): Guard[] {
    const hops = ({ ttlSecurityHops }: Pick<PeerOptions, "ttlSecurityHops">) =>
      ttlSecurityHops === undefined ? {} : { ttlSecurityHops };
    return [
      ...this.#parts
        .peers()
        .filter(({ options }) => zoneOf(options.address) === zone)
        .map(({ options, protection }) => ({ address: options.address, protection, ...hops(options) })),
      ...this.#parts
        .ranges()
        .filter((range) => range.interface === zone)
        .map(({ prefix, template }) => ({
          ...guarded(prefix),
          protection: protectionOf(template, template.password),
          ...hops(template),
        })),
    ];
  }

  #warnUnprotected(listener: Listener, { address, ttlSecurityHops }: PeerOptions): void {
    if (ttlSecurityHops === undefined || zoneOf(address) !== zoneOf(listener.local.address)) return;
    if (listener.protects(address)) return;
    this.#parts.log.warn("bgp.listener.unprotected", {
      peer: address,
      listener: listener.local.address,
      advice:
        "TTL security of a listener is for all its neighbours or none: this one is only connected to, not accepted",
    });
  }

  #accept(connection: Connection, listener: Listener): void {
    if (this.#parts.accept(connection, (address) => listener.protects(address))) return;
    this.#strangers.add();
    this.#strangersRefused++;
    this.#parts.log.debug("bgp.connection.stranger", { address: connection.remote.address });
    void connection.close();
  }
}

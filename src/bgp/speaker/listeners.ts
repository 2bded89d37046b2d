import {
  type Counter,
  formatIpv4,
  formatIpv6,
  type Ipv6Prefix,
  type Log,
  type Metrics,
  sameValue,
} from "../../base/index.ts";
import { isMappedIpv4 } from "../wire/index.ts";
import type { ListenRange } from "./listen-ranges.ts";
import type { ListenAddress, PeerOptions } from "./options.ts";
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
  #open: readonly Open[] = [];
  /** Those that end: not before the connections that were accepted there. */
  readonly #leaving = new Set<Promise<void>>();

  constructor(parts: ListenersParts) {
    this.#parts = parts;
    this.#strangers = parts.metrics.counter(
      "semrd_bgp_refused_connections_total",
      "Connections from addresses that are no neighbours, or lack their protection",
    );
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
    const listener = await this.#parts.transport.listen(asked, this.#guards(), (connection) =>
      this.#accept(connection, listener),
    );
    this.#open = [...this.#open, { asked, listener }];
    for (const { options } of this.#parts.peers()) this.#warnUnprotected(listener, options);
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
    await Promise.all(this.#leaving);
  }

  get local(): readonly Endpoint[] {
    return this.#open.map(({ listener }) => listener.local);
  }

  /** Neighbours have come or gone, or are protected in another way. @throws {TransportError} `bgp.needs-addon` */
  guard(): void {
    const guards = this.#guards();
    for (const { listener } of this.#open) listener.guard(guards);
  }

  /** Says so where a neighbour cannot be accepted. */
  added(peer: PeerOptions): void {
    for (const { listener } of this.#open) this.#warnUnprotected(listener, peer);
  }

  #guards(): Guard[] {
    const hops = ({ ttlSecurityHops }: Pick<PeerOptions, "ttlSecurityHops">) =>
      ttlSecurityHops === undefined ? {} : { ttlSecurityHops };
    return [
      ...this.#parts
        .peers()
        .map(({ options, protection }) => ({ address: options.address, protection, ...hops(options) })),
      ...this.#parts.ranges().map(({ prefix, template }) => ({
        ...guarded(prefix),
        protection: protectionOf(template, template.password),
        ...hops(template),
      })),
    ];
  }

  #warnUnprotected(listener: Listener, { address, ttlSecurityHops }: PeerOptions): void {
    if (ttlSecurityHops === undefined || listener.protects(address)) return;
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
    this.#parts.log.debug("bgp.connection.stranger", { address: connection.remote.address });
    void connection.close();
  }
}

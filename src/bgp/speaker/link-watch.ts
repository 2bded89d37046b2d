import { type Clock, formatIpv6, type Log, milliseconds, type Timer } from "../../base/index.ts";
import type { LinkListenAddress } from "./options.ts";
import { zoneOf } from "./peer-address.ts";
import { RouterDiscovery } from "./router-discovery.ts";
import type { LinkAddresses, Transport } from "./transport.ts";

/** How often interfaces are looked at. */
const PERIOD = milliseconds(1000);

/** A session whose next hops depend on the addresses of an interface. */
export interface LinkedSession {
  /** The same for as long as it lasts. */
  readonly key: object;
  /** This end. */
  readonly local: string;
  /** They are others now than when the session began, or was told so last. */
  changed(): void;
}

export interface LinkWatchParts {
  readonly clock: Clock;
  readonly transport: Transport;
  /** Interfaces with neighbours on their links. */
  readonly zones: () => ReadonlySet<string>;
  /** That neighbours on links connect to; absent: nobody does. */
  readonly port: () => number | undefined;
  readonly sessions: () => Iterable<LinkedSession>;
  /** Where to listen, of all links. */
  readonly listen: (addresses: readonly LinkListenAddress[]) => void;
  /** Interfaces where routers that are heard become neighbours. */
  readonly discoverOn: () => ReadonlySet<string>;
  /** Those that are there, each time that is looked, and those that became neighbours and are heard no more. */
  readonly heard: (addresses: readonly string[]) => void;
  readonly log: Log;
}

/**
 * Looks at interfaces while neighbours depend on them: they come, get addresses and lose them. Sessions hear of what that means for
 * next hops; on links with neighbours this router listens at the address that it has there.
 */
export class LinkWatch implements Disposable {
  readonly #parts: LinkWatchParts;
  readonly #known = new WeakMap<object, string>();
  readonly #discoveries = new Map<string, RouterDiscovery>();
  #timer: Timer | undefined;
  #isDue = false;
  #isClosed = false;

  constructor(parts: LinkWatchParts) {
    this.#parts = parts;
  }

  /** A session has begun with what interfaces have now. */
  began(session: LinkedSession): void {
    this.#known.set(session.key, linkText(this.#parts.transport, session.local));
    if (this.#timer === undefined) this.look();
  }

  /** There are other neighbours than before: looks on the next turn, however many come and go on this one. */
  soon(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    this.#parts.clock.soon(() => {
      this.#isDue = false;
      this.look();
    });
  }

  /** Time has passed. */
  look(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#isClosed) return;
    const { transport, clock } = this.#parts;
    if (transport.addresses === undefined && transport.subnets === undefined) return;
    const listens = this.#followZones();
    const follows = this.#followSessions();
    this.#discover();
    if (listens || follows) this.#timer = clock.after(PERIOD, () => this.look());
  }

  [Symbol.dispose](): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    for (const discovery of this.#discoveries.values()) discovery[Symbol.dispose]();
    this.#discoveries.clear();
  }

  /** Whether a router says that it is there. */
  hears(address: string): boolean {
    return this.#discoveries.get(zoneOf(address) ?? "")?.hears(address) === true;
  }

  #discover(): void {
    const wanted = this.#parts.discoverOn();
    for (const zone of [...this.#discoveries.keys()]) if (!wanted.has(zone)) this.#forget(zone);
    const found: string[] = [];
    for (const zone of wanted) {
      found.push(...this.#lookAt(zone));
    }
    this.#parts.heard(found);
  }

  #lookAt(zone: string): readonly string[] {
    const { linkLocal, index } = addressesOf(this.#parts.transport, `fe80::%${zone}`);
    // Before there is an address that others can connect to, there is nothing to say.
    if (linkLocal === undefined || this.#discoveries.get(zone)?.index !== index) this.#forget(zone);
    if (linkLocal === undefined) return [];
    const discovery = this.#discoveries.get(zone) ?? RouterDiscovery.on({ zone, index }, this.#parts);
    if (discovery === undefined) return [];
    this.#discoveries.set(zone, discovery);
    const routers = discovery.look(linkLocal);
    if (routers === false) this.#forget(zone);
    return routers || [];
  }

  #forget(zone: string): void {
    this.#discoveries.get(zone)?.[Symbol.dispose]();
    this.#discoveries.delete(zone);
  }

  #followZones(): boolean {
    const { zones, port, listen, transport } = this.#parts;
    const wanted = zones();
    const at = port();
    const own = (zone: string): LinkListenAddress[] => {
      const { linkLocal, index } = addressesOf(transport, `fe80::%${zone}`);
      if (linkLocal === undefined || at === undefined) return [];
      return [{ address: `${formatIpv6(linkLocal)}%${zone}`, port: at, ...(index === undefined ? {} : { index }) }];
    };
    listen([...wanted].flatMap(own));
    return wanted.size > 0;
  }

  #followSessions(): boolean {
    const seen = new Map<string, string>();
    let some = false;
    for (const session of this.#parts.sessions()) {
      some = true;
      const { local } = session;
      const now = seen.get(local) ?? linkText(this.#parts.transport, local);
      seen.set(local, now);
      const before = this.#known.get(session.key);
      this.#known.set(session.key, now);
      if (before !== undefined && before !== now) session.changed();
    }
    return some;
  }
}

function addressesOf(transport: Transport, local: string): LinkAddresses {
  return transport.addresses?.(local) ?? {};
}

/** Everything that next hops depend on. */
function linkText(transport: Transport, local: string): string {
  const { global, linkLocal } = addressesOf(transport, local);
  const subnets = (transport.subnets?.(local) ?? []).map(({ address, length }) => `${formatIpv6(address)}/${length}`);
  return [zoneOf(local) === undefined ? "" : global, linkLocal, ...subnets.sort()].join(" ");
}

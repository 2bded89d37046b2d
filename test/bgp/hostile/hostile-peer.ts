import assert from "node:assert/strict";
import { seconds, toHex } from "../../../src/base/index.ts";
import type { Connection, Transport } from "../../../src/bgp/speaker/index.ts";
import {
  type Capabilities,
  DEFAULT_DIALECT,
  encodeKeepalive,
  encodeMessage,
  encodeOpen,
  Framer,
  IPV4_UNICAST,
  IPV6_UNICAST,
  MessageType,
} from "../../../src/bgp/wire/index.ts";
import { HOSTILE_ID, type Kind, remoteAs } from "./case.ts";

const FAMILIES = [DEFAULT_DIALECT.family, IPV6_UNICAST, IPV4_UNICAST];

/** What a neighbour of this kind offers. */
export function offerOf(kind: Kind): Capabilities {
  const all = FAMILIES.map((family) => ({ family, send: true, receive: false }));
  return {
    families: FAMILIES,
    routeRefresh: true,
    extendedNextHop: [IPV4_UNICAST],
    enhancedRouteRefresh: true,
    ...(kind === "old" ? {} : { fourOctetAs: remoteAs(kind) }),
    ...(kind === "paths" ? { addPath: all } : {}),
    unknown: [],
  };
}

/** A neighbour that says whatever a test wants, and reads what it is told unless that is unwanted. */
export class HostilePeer {
  /** Bodies of the NOTIFICATIONs that it was told. */
  readonly notifications: string[] = [];
  /** Messages that it was told, by type. */
  readonly heard = new Map<number, number>();
  closed: string | undefined;
  /** Shown the body of each UPDATE that it is told, borrowed. */
  onUpdate: ((octets: Uint8Array, start: number, end: number) => void) | undefined;
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
    const framer = new Framer();
    framer.allowExtended();
    connection.start({
      data: (octets) => {
        framer.feed(octets);
        for (let answer = framer.next(); answer.kind !== "need-more"; answer = framer.next()) {
          assert.equal(answer.kind, "message", "what the router says can be read");
          if (answer.kind !== "message") return;
          this.heard.set(answer.type, (this.heard.get(answer.type) ?? 0) + 1);
          if (answer.type === MessageType.Update) this.onUpdate?.(answer.octets, answer.start, answer.end);
          if (answer.type !== MessageType.Notification) continue;
          this.notifications.push(toHex(answer.octets.subarray(answer.start, answer.end)));
        }
      },
      closed: (reason) => {
        this.closed = reason;
      },
      drained: () => {},
    });
  }

  get queued(): number {
    return this.#connection.queued;
  }

  say(...messages: readonly Uint8Array[]): void {
    for (const octets of messages) this.#connection.write(octets.slice());
  }

  update(body: Uint8Array): void {
    this.say(encodeMessage(MessageType.Update, body));
  }

  /** OPEN and the KEEPALIVE that confirms the other one. */
  open(kind: Kind, changes: Partial<Capabilities> = {}): void {
    const open = {
      autonomousSystem: remoteAs(kind),
      holdTime: seconds(240),
      bgpIdentifier: HOSTILE_ID,
      capabilities: { ...offerOf(kind), ...changes },
    };
    this.say(encodeOpen(open), encodeKeepalive());
  }

  /** Does not read any more. */
  deafen(): void {
    this.#connection.pause();
  }

  close(): Promise<void> {
    return this.#connection.close();
  }

  /** `settle` lets time pass until its condition holds. */
  static async connect(
    transport: Transport,
    to: { readonly address: string; readonly port: number },
    from: string,
    settle: (what: string, done: () => boolean) => Promise<void>,
  ): Promise<HostilePeer> {
    let peer: HostilePeer | undefined;
    let failed: Error | undefined;
    transport.connect({ remote: to, source: from }, (result) => {
      if (result instanceof Error) failed = result;
      else peer = new HostilePeer(result);
    });
    await settle("a connection", () => peer !== undefined || failed !== undefined);
    if (failed !== undefined) throw failed;
    return peer!;
  }
}

import assert from "node:assert/strict";
import { seconds, toHex } from "../../../src/base/index.ts";
import { ownOpen } from "../../../src/bgp/session/index.ts";
import type { Connection } from "../../../src/bgp/speaker/index.ts";
import {
  type Capabilities,
  DEFAULT_DIALECT,
  encodeKeepalive,
  encodeMessage,
  encodeOpen,
  type Family,
  Framer,
  MessageType,
} from "../../../src/bgp/wire/index.ts";
import { settingsSample } from "../session/samples.ts";
import { A, B, type Scene } from "./scene.ts";

/** A neighbour that says what the test wants. */
export class Puppet {
  readonly seen: string[] = [];
  /** Bodies of UPDATEs, in hex. */
  readonly updates: string[] = [];
  closed: string | undefined;
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
    const framer = new Framer();
    connection.start({
      data: (octets) => {
        framer.feed(octets);
        for (let answer = framer.next(); answer.kind !== "need-more"; answer = framer.next()) {
          assert.equal(answer.kind, "message");
          if (answer.kind !== "message") return;
          const body = toHex(answer.octets.subarray(answer.start, answer.end));
          if (answer.type === MessageType.Notification) this.seen.push(`notify ${body}`);
          else if (answer.type === MessageType.RouteRefresh) this.seen.push(`refresh ${body}`);
          else this.seen.push(`${answer.type}`);
          if (answer.type === MessageType.Update) this.updates.push(body);
        }
      },
      closed: (reason) => {
        this.closed = reason;
      },
      drained: () => {},
    });
  }

  say(...octets: Uint8Array[]): void {
    for (const part of octets) this.#connection.write(part.slice());
  }

  update(body: Uint8Array): void {
    this.say(encodeMessage(MessageType.Update, body));
  }

  static async connect(scene: Scene, to = A, from = B): Promise<Puppet> {
    const found = Promise.withResolvers<Connection>();
    scene.network.host(from).connect({ remote: { address: to, port: 179 } }, (result) => {
      if (result instanceof Error) found.reject(result);
      else found.resolve(result);
    });
    let puppet: Puppet | undefined;
    void found.promise.then((connection) => {
      puppet = new Puppet(connection);
    });
    for (let i = 0; puppet === undefined && i < 100; i++) {
      scene.clock.advance(10);
      await Promise.resolve();
    }
    return puppet!;
  }

  /** A session of its own with a router. `changes`: to the OPEN, which offers no graceful restart otherwise. */
  static async up(
    scene: Scene,
    families: readonly Family[] = [DEFAULT_DIALECT.family],
    changes: Partial<Capabilities> = {},
  ): Promise<Puppet> {
    const puppet = await Puppet.connect(scene);
    const settings = settingsSample({
      bgpIdentifier: 0x0a000002,
      families,
      gracefulRestart: undefined,
      holdTime: seconds(90),
    });
    const open = ownOpen(settings);
    puppet.say(encodeOpen({ ...open, capabilities: { ...open.capabilities, ...changes } }), encodeKeepalive());
    scene.clock.advance(20);
    return puppet;
  }
}

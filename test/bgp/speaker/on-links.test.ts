import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { parseIpv6, parseIpv6Prefix, seconds } from "../../../src/base/index.ts";
import type { Connection } from "../../../src/bgp/speaker/index.ts";
import { makeNamespace, runInside, whyNoNamespaces } from "../../native/namespaces.ts";
import { A, B, Scene } from "./scene.ts";

const SOURCES = join(import.meta.dirname, "../../../src");
const OWN = "fe80::1%eth0";
const FAR = "fe80::2%eth0";

describe("neighbours that change on links", () => {
  it("one that only connects is listened for again when it is enabled", async (t) => {
    const scene = new Scene(t);
    const far = { address: FAR, passive: true, remoteAs: 65001, enabled: false };
    const a = await scene.router({ address: A, identifier: "10.0.0.1", peers: [far] });
    scene.network.linkAddresses.set("fe80::%eth0", { linkLocal: parseIpv6("fe80::1")! });
    const isHeard = (): boolean => {
      const answers: (Connection | Error)[] = [];
      scene.network.host(FAR).connect({ remote: { address: OWN, port: 179 } }, (answer) => answers.push(answer));
      scene.clock.advance(100);
      const [answer] = answers;
      if (answer !== undefined && !(answer instanceof Error)) void answer.close();
      return answer !== undefined && !(answer instanceof Error);
    };
    const pass = async (): Promise<void> => {
      for (let i = 0; i < 5; i++) {
        scene.clock.advance(1000);
        for (let turn = 0; turn < 10; turn++) await Promise.resolve();
      }
    };
    await pass();
    assert.equal(isHeard(), false);
    assert.equal(a.speaker.enable(FAR), true);
    await pass();
    assert.equal(isHeard(), true);
    assert.equal(a.speaker.disable(FAR), true);
    await pass();
    assert.equal(isHeard(), false);
    assert.equal(a.speaker.enable(FAR), true);
    await pass();
    assert.equal(isHeard(), true);
    await a.speaker.removePeer(FAR);
    await pass();
    assert.equal(isHeard(), false);
  });

  it("one that is next door now, and was hops away, follows what is on the link", async (t) => {
    const scene = new Scene(t);
    const link = [parseIpv6Prefix("2001:db8::/64")!];
    scene.network.subnets = link;
    const families = [{ family: "ipv6-unicast" }] as const;
    const speaker = { acceptExternal: true };
    const near = { address: B, remoteAs: 65001, families, port: 179, passive: false, updateSource: A };
    const times = { holdTime: seconds(9), connectRetry: seconds(2) };
    const a = await scene.router({
      address: A,
      identifier: "10.0.0.1",
      peers: [{ ...times, ...near, multihop: 3 }],
      speaker,
    });
    const toA = { address: A, remoteAs: 65000, families, multihop: 3 };
    const b = await scene.router({ address: B, identifier: "10.0.0.2", localAs: 65001, peers: [toA], speaker });
    scene.quiet(a, b);
    scene.clock.advance(5000);
    const changes = (): number => a.log.lines.filter(({ event }) => event === "bgp.peer.link-changed").length;
    a.speaker.changePeer({ ...times, ...near });
    scene.clock.advance(5000);
    scene.network.subnets = [...link, parseIpv6Prefix("2001:db8:1::/64")!];
    scene.clock.advance(2000);
    assert.deepEqual([changes(), a.peer().flaps], [1, 0]);
  });
});

describe("interfaces of the kernel", { skip: whyNoNamespaces() ?? false }, () => {
  it("one that is made anew with its name and address is listened on (RFC 4007 §6)", (t) => {
    const namespace = makeNamespace(t);
    runInside(
      namespace,
      async ({ sock, execFileSync }, sources) => {
        const { createNetTransport } = await import(`${sources}/bgp/speaker/index.ts`);
        const { Listeners } = await import(`${sources}/bgp/speaker/listeners.ts`);
        const { LinkWatch } = await import(`${sources}/bgp/speaker/link-watch.ts`);
        const { VirtualClock } = await import(`${sources}/../test/sim/virtual-clock.ts`);
        const { TallyMetrics, ListLog } = await import(`${sources}/../test/sim/tally-metrics.ts`);
        const net = await import("node:net");
        const ip = (...words: string[]): void => void execFileSync("ip", words);
        const make = (): void => {
          ip("link", "add", "one", "type", "veth", "peer", "name", "other");
          for (const name of ["one", "other"]) ip("link", "set", name, "addrgenmode", "none");
          for (const name of ["one", "other"]) ip("link", "set", name, "up");
          ip("address", "add", "fe80::1/64", "dev", "one", "nodad");
        };
        make();
        const clock = new VirtualClock(0);
        const log = new ListLog();
        const transport = createNetTransport({ clock, sock });
        let accepted = 0;
        const listeners = new Listeners({
          ...{ transport, log, metrics: new TallyMetrics() },
          peers: () => [].values(),
          ranges: () => [],
          accept: () => ++accepted < 0,
        });
        const watch = new LinkWatch({
          ...{ clock, transport, log, port: () => 1790 },
          zones: () => new Set(["one"]),
          sessions: () => [],
          listen: (addresses: never) => listeners.onLinks(addresses),
          discoverOn: () => new Set(),
          heard: () => {},
        });
        const connects = async (): Promise<boolean> => {
          const socket = net.connect(1790, "fe80::1%one");
          const answer = await new Promise<boolean>((resolve) => {
            socket.once("connect", () => resolve(true));
            socket.once("error", () => resolve(false));
          });
          socket.destroy();
          return answer;
        };
        /** Looks as often as it takes, since a socket is opened between two looks. */
        const isHeard = async (): Promise<boolean> => {
          for (let i = 0; i < 100; i++) {
            clock.advance(1000);
            if (await connects()) return true;
          }
          return false;
        };
        watch.look();
        assert.ok(await isHeard(), "at first");
        const before = sock.interfaceIndex("one");
        ip("link", "del", "one");
        make();
        assert.notEqual(sock.interfaceIndex("one"), before);
        assert.ok(await isHeard(), "of the new interface");
        watch[Symbol.dispose]();
        await listeners[Symbol.asyncDispose]();
      },
      SOURCES,
    );
  });

  it("of what is said on the link only what RFC 4861 §6.1.2 leaves is believed", (t) => {
    const namespace = makeNamespace(t);
    runInside(
      namespace,
      async ({ sock, execFileSync }, sources) => {
        const { createNetTransport } = await import(`${sources}/bgp/speaker/index.ts`);
        const { RouterDiscovery } = await import(`${sources}/bgp/speaker/router-discovery.ts`);
        const { parseIpv6 } = await import(`${sources}/base/index.ts`);
        const { VirtualClock } = await import(`${sources}/../test/sim/virtual-clock.ts`);
        const { ListLog } = await import(`${sources}/../test/sim/tally-metrics.ts`);
        const ip = (...words: string[]): void => void execFileSync("ip", words);
        ip("link", "add", "one", "type", "veth", "peer", "name", "other");
        for (const name of ["one", "other"]) ip("link", "set", name, "addrgenmode", "none");
        for (const name of ["one", "other"]) ip("link", "set", name, "up");
        for (const [name, last] of [
          ["one", 1],
          ["other", 2],
        ] as const)
          ip("address", "add", `fe80::${last}/64`, "dev", name, "nodad");
        const clock = new VirtualClock(0);
        const parts = { transport: createNetTransport({ clock, sock }), clock, log: new ListLog() };
        const discovery = RouterDiscovery.on({ zone: "one", index: undefined }, parts)!;
        const group: Uint8Array = parseIpv6("ff02::1");

        // Whole packets, as nobody's kernel would send them (IPPROTO_RAW).
        const fd = sock.socket({ family: "ipv6", type: "raw", protocol: 255 });
        const sum = (octets: Uint8Array): number => {
          let total = 0;
          for (let i = 0; i < octets.length; i += 2) total += (octets[i]! << 8) | (octets[i + 1] ?? 0);
          while (total > 0xffff) total = (total & 0xffff) + (total >> 16);
          return total;
        };
        const say = (
          source: string,
          message: number[],
          { hops = 255, wrong = false }: { hops?: number; wrong?: boolean } = {},
        ): void => {
          const from: Uint8Array = parseIpv6(source);
          const icmp = Uint8Array.from(message);
          const pseudo = Uint8Array.of(...from, ...group, 0, 0, 0, icmp.length, 0, 0, 0, 58, ...icmp);
          const checksum = sum(pseudo) ^ 0xffff ^ (wrong ? 1 : 0);
          icmp.set([checksum >> 8, checksum & 0xff], 2);
          const { length } = icmp;
          const packet = [0x60, 0, 0, 0, length >> 8, length & 0xff, 58, hops, ...from, ...group];
          sock.send(fd, Uint8Array.of(...packet, ...icmp), "ff02::1%other");
        };
        const ra = (code = 0, lifetime = 30): number[] => [134, code, 0, 0, 64, 0, 0, lifetime, 0, 0, 0, 0, 0, 0, 0, 0];
        const option = (length: number): number[] => [1, length, 2, 0, 0, 0, 0, 1];
        say("fe80::10", ra());
        say("fe80::11", ra(), { wrong: true });
        say("fe80::12", ra(), { hops: 254 });
        say("fe80::13", ra(), { hops: 1 });
        say("2001:db8::14", ra());
        say("fe80::15", ra(1));
        say("fe80::16", [...ra(), ...option(0)]);
        say("fe80::17", [...ra(), ...option(2)]);
        say("fe80::18", [...ra(), ...option(255)]);
        say("fe80::19", ra().slice(0, 15));
        say("fe80::1b", [137, ...ra().slice(1)]);
        say("fe80::1", ra());
        say("fe80::1c", [...ra(), ...option(1), ...option(1)]);
        // What arrives arrives in order: the last one is the end.
        let heard: readonly string[] | false = [];
        for (let i = 0; i < 500 && heard !== false && !heard.includes("fe80::1c%one"); i++) {
          heard = discovery.look(parseIpv6("fe80::1"));
          await new Promise((resolve) => setTimeout(resolve, 10));
        }
        assert.deepEqual(heard, ["fe80::10%one", "fe80::1c%one"]);

        // The interface goes: nothing throws, and whoever looks hears of it.
        ip("link", "del", "one");
        clock.advance(2000);
        assert.equal(discovery.look(parseIpv6("fe80::1")), false);
        discovery[Symbol.dispose]();
        assert.equal(RouterDiscovery.on({ zone: "one", index: undefined }, parts), undefined);
        sock.close(fd);
      },
      SOURCES,
    );
  });
});

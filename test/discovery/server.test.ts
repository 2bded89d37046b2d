import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { Resolver } from "node:dns/promises";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { describe, it } from "node:test";
import { decode } from "dns-packet";
import { formatIpv6, seconds } from "../../src/base/index.ts";
import { DiscoveryError, type DnsServer, type DnsServerOptions, startDnsServer } from "../../src/discovery/index.ts";
import { MessageFramer } from "../../src/discovery/tcp-listener.ts";
import { systemClock } from "../../src/host/index.ts";
import { OCR, taxonomy } from "../directory/samples.ts";
import { waitFor } from "../host/fair-time.ts";
import { RealTurns } from "../sim/real-turns.ts";
import { ListLog, TallyMetrics } from "../sim/tally-metrics.ts";
import { named, TYPE } from "./queries.ts";

const NAME = "ocr.vision.cap.acme.example.net";
const ADDRESS = formatIpv6(taxonomy().address("acme", OCR, 1)!);
const signal = new AbortController().signal;

async function start(changes: Partial<DnsServerOptions> = {}, clock = systemClock) {
  const metrics = new TallyMetrics();
  const log = new ListLog();
  const server = await startDnsServer(
    { listen: [{ address: "::1", port: 0 }], ttl: seconds(60), nameServer: "r1.example.net", ...changes },
    { taxonomy: taxonomy(), clock, log, metrics },
    signal,
  );
  return { server, metrics, log, port: server.listen[0]!.port };
}

async function dial(port: number): Promise<Socket> {
  const socket = connect({ host: "::1", port });
  await once(socket, "connect");
  return socket;
}

function framed(...messages: readonly Uint8Array[]): Buffer {
  return Buffer.concat(messages.flatMap((message) => [Buffer.of(message.length >> 8, message.length & 255), message]));
}

/** Octets until the server closes. */
async function drain(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

describe("with a resolver that knows nothing of us", () => {
  it("c-ares resolves, and tells NODATA, NXDOMAIN and REFUSED apart", async () => {
    const { server, port, metrics } = await start();
    await using _: DnsServer = server;
    const resolver = new Resolver({ timeout: 2_000, tries: 2 });
    resolver.setServers([`[::1]:${port}`]);
    assert.deepEqual(await resolver.resolve6(NAME, { ttl: true }), [{ address: ADDRESS, ttl: 60 }]);
    await assert.rejects(resolver.resolve4(NAME), { code: "ENODATA" });
    await assert.rejects(resolver.resolve6("tts.audio.cap.acme.example.net"), { code: "ENOTFOUND" });
    await assert.rejects(resolver.resolve6("www.example.org"), { code: "EREFUSED" });
    const soa = await resolver.resolveSoa("cap.acme.example.net");
    assert.deepEqual([soa.nsname, soa.serial], ["r1.example.net", 1]);
    assert.deepEqual(await resolver.resolveNs("cap.acme.example.net"), ["r1.example.net"]);
    assert.equal(metrics.value("semrd_dns_responses_total", { rcode: "NXDOMAIN" }), 1);
    assert.ok(metrics.value("semrd_dns_queries_total", { transport: "udp" }) >= 6);
  });

  it("dig agrees, over UDP and TCP", async (t) => {
    if (spawnSync("dig", ["-v"]).status !== 0) return t.skip("skipped: dig (bind9-dnsutils) is not installed");
    const { server, port } = await start();
    await using _: DnsServer = server;
    for (const extra of [[], ["+tcp"], ["+noedns"], ["+dnssec"]]) {
      const args = ["@::1", "-p", String(port), "+norecurse", "+tries=1", "+time=3", ...extra, NAME, "AAAA"];
      const dig = spawn("dig", args, { stdio: ["ignore", "pipe", "inherit"] });
      let text = "";
      for await (const chunk of dig.stdout) text += chunk;
      assert.match(text, /status: NOERROR/);
      assert.match(text, new RegExp(`AAAA\\s+${ADDRESS}`));
      assert.doesNotMatch(text, /warning|malformed|extra bytes/i);
    }
  });
});

describe("UDP", () => {
  it("a source over its rate is told every second time to use TCP, where it is served", async () => {
    const clock = new RealTurns();
    const { server, port, metrics } = await start({ responsesPerSecond: 5 }, clock);
    await using _: DnsServer = server;
    const socket = createSocket("udp6");
    socket.connect(port, "::1");
    await once(socket, "connect");
    const got: string[] = [];
    const enough = new Promise<void>((resolve) => {
      socket.on("message", (octets) => {
        const { flag_tc, answers } = decode(octets);
        got.push(flag_tc ? "tc" : `${answers!.length}`);
        if (got.length === 15) resolve();
      });
    });
    for (let i = 0; i < 20; i++) socket.send(named(NAME, { id: i }));
    await enough;
    assert.deepEqual(got, [...Array(10).fill("1"), ...Array(5).fill("tc")]);
    assert.equal(metrics.value("semrd_dns_dropped_total", { reason: "rate-limit" }), 10);
    const tcp = await dial(port);
    tcp.end(framed(named(NAME)));
    assert.equal(decode((await drain(tcp)).subarray(2)).answers!.length, 1);
    socket.close();
  });

  it("rubbish does not disturb the next query", async () => {
    const { server, port, metrics } = await start();
    await using _: DnsServer = server;
    const socket = createSocket("udp6");
    socket.connect(port, "::1");
    await once(socket, "connect");
    for (const rubbish of [new Uint8Array(0), new Uint8Array(5), named(NAME, { flags: 0x8000 })]) socket.send(rubbish);
    socket.send(named(NAME));
    const [octets] = (await once(socket, "message")) as [Buffer];
    assert.equal(decode(octets).answers!.length, 1);
    assert.equal(metrics.value("semrd_dns_dropped_total", { reason: "response" }), 1);
    assert.equal(metrics.value("semrd_dns_dropped_total", { reason: "short" }), 2);
    socket.close();
  });
});

it("becomes what is wanted with the connections that it has, and refuses what cannot be listened on", async () => {
  const { server, port } = await start();
  await using _: DnsServer = server;
  const socket = await dial(port);
  const timesToLive = async (): Promise<unknown> => {
    socket.write(framed(named(NAME)));
    const [octets] = (await once(socket, "data")) as [Buffer];
    return decode(octets.subarray(2)).answers!.map((answer) => (answer as { ttl?: number }).ttl);
  };
  const wanted = { ttl: seconds(7), nameServer: "r1.example.net", listen: [{ address: "::1", port: 0 }] };
  const elsewhere = { address: "2001:db8:dead::1", port };
  await assert.rejects(server.prepare({ ...wanted, listen: [...wanted.listen, elsewhere] }), /EADDRNOTAVAIL/);
  assert.deepEqual(await timesToLive(), [60]);
  const change = await server.prepare({ ...wanted, listen: [...wanted.listen, { address: "127.0.0.1", port }] });
  await change.apply();
  await change.finish();
  assert.deepEqual(await timesToLive(), [7]);
  assert.deepEqual(
    server.listen.map(({ address }) => address),
    ["::1", "127.0.0.1"],
  );
  socket.destroy();
});

describe("TCP (RFC 7766)", () => {
  it("queries that come together are answered in order, however they are split", async () => {
    const { server, port } = await start();
    await using _: DnsServer = server;
    const socket = await dial(port);
    const all = framed(named(NAME, { id: 1 }), named(NAME, { id: 2, type: TYPE.A }), named("x.y", { id: 3 }));
    for (const octet of all.subarray(0, -1)) socket.write(Buffer.of(octet));
    socket.end(all.subarray(-1));
    const { messages } = new MessageFramer().push(await drain(socket));
    assert.deepEqual(
      messages.map((octets) => decode(Buffer.from(octets))).map(({ id, answers }) => [id, answers!.length]),
      [
        [1, 1],
        [2, 0],
        [3, 0],
      ],
    );
  });

  it("a connection that has no whole message in time is closed, however it trickles", async () => {
    const clock = new RealTurns();
    const { server, port, metrics } = await start({}, clock);
    await using _: DnsServer = server;
    const socket = await dial(port);
    const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
    await waitFor("the connection is there", () => clock.armed > 0, { every: 1, limit: 20_000 });
    clock.advance(9_000);
    // One whole message and the beginning of the next: the time runs from the end of the first.
    socket.write(Buffer.concat([framed(named(NAME)), Buffer.of(0, 40)]));
    await once(socket, "data");
    clock.advance(9_999);
    assert.equal(metrics.value("semrd_dns_connections_timed_out_total"), 0);
    clock.advance(1);
    await closed;
    assert.equal(metrics.value("semrd_dns_connections_timed_out_total"), 1);
    assert.equal(clock.armed, 0);
  });

  it("a length no query has, or a message that is not a query, ends the connection", async () => {
    const { server, port } = await start();
    await using _: DnsServer = server;
    for (const octets of [Buffer.from("GET / HTTP/1.1\r\n"), framed(new Uint8Array(3)), Buffer.of(0, 0)]) {
      const socket = await dial(port);
      socket.write(octets);
      assert.equal((await drain(socket)).length, 0);
    }
  });

  it("one source cannot hold all connections", async () => {
    const { server, port, metrics } = await start();
    await using _: DnsServer = server;
    const sockets = Array.from({ length: 33 }, () => connect({ host: "::1", port }));
    // From the beginning: one may be closed before the last is there.
    const closed = sockets.map((socket) => once(socket, "close"));
    await Promise.all(sockets.map((socket) => once(socket, "connect")));
    await Promise.race(closed);
    assert.equal(metrics.value("semrd_dns_connections_refused_total"), 1);
    for (const socket of sockets) socket.destroy();
  });
});

describe("lifetime", () => {
  it("a new taxonomy is answered from at once; a disposed server is gone, its port free", async () => {
    const { server, port } = await start();
    const resolver = new Resolver({ timeout: 1_000, tries: 1 });
    resolver.setServers([`[::1]:${port}`]);
    server.setTaxonomy(taxonomy({ capabilities: [], revision: 2 }));
    await assert.rejects(resolver.resolve6(NAME), { code: "ENOTFOUND" });
    await server[Symbol.asyncDispose]();
    const again = await start({ listen: [{ address: "::1", port }] });
    await again.server[Symbol.asyncDispose]();
  });

  it("a port in use, and an address that is not here, are clear errors that leave nothing open", async () => {
    const { server, port } = await start();
    await using _: DnsServer = server;
    const twice = [
      { address: "::1", port: 0 },
      { address: "::1", port },
    ];
    await assert.rejects(start({ listen: twice }), (cause: DiscoveryError) => {
      assert.ok(cause instanceof DiscoveryError);
      assert.deepEqual(cause.fault, {
        code: "discovery.listen-failed",
        transport: "tcp",
        address: "::1",
        port,
        errno: "EADDRINUSE",
      });
      assert.match(cause.message, /systemd-resolved/);
      return true;
    });
    await assert.rejects(start({ listen: [{ address: "2001:db8::53", port: 0 }] }), /no interface has that address/);
  });
});

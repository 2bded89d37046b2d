import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync, readlinkSync } from "node:fs";
import { createServer, type Server, Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { loadNative, type Sock } from "../../native/index.ts";
import { openDescriptors } from "./bpf-lab.ts";
import { makeNamespace, makeVeth, runInside, whyNoNamespaces } from "./namespaces.ts";

const SOL_SOCKET = 1;
const SO_REUSEPORT = 15;
const IPPROTO_IP = 0;
const IP_TTL = 2;
const IP_FREEBIND = 15;
const IPPROTO_IPV6 = 41;
const IPV6_UNICAST_HOPS = 16;
const IPV6_V6ONLY = 26;
const IPV6_MINHOPCOUNT = 73;

// Nothing tells that the kernel dropped a SYN: after so many milliseconds without an answer on loopback, it did.
const SILENCE = 400;

const sock: Sock = loadNative().sock;

type Family = "ipv4" | "ipv6";
const LOOPBACK = { ipv4: "127.0.0.1", ipv6: "::1" } as const;

/** A listening descriptor on a free port of loopback, closed when the test ends. */
function listening(t: TestContext, family: Family, configure?: (fd: number) => void): { fd: number; port: number } {
  const fd = sock.socket({ family, type: "stream" });
  t.after(() => sock.close(fd));
  sock.bind(fd, LOOPBACK[family], 0);
  configure?.(fd);
  sock.listen(fd, 8);
  return { fd, port: sock.localAddress(fd).port };
}

/** A connection that comes about, or, where `silent`, that nothing answers; a refusal is neither. */
async function connects(
  t: TestContext,
  family: Family,
  port: number,
  configure?: (fd: number) => void,
  { silent = false } = {},
): Promise<void> {
  const fd = sock.socket({ family, type: "stream" });
  configure?.(fd);
  const socket = new Socket({ fd });
  t.after(() => socket.destroy());
  socket.connect(port, LOOPBACK[family]);
  const connected = once(socket, "connect", { signal: AbortSignal.timeout(silent ? SILENCE : 20_000) });
  if (silent) await assert.rejects(connected, { name: "AbortError" });
  else await connected;
}

for (const family of ["ipv4", "ipv6"] as const) {
  test(`${family}: a descriptor is bound, listens, accepts and carries octets`, async (t) => {
    const { fd, port } = listening(t, family);
    assert.deepEqual(sock.localAddress(fd), { address: LOOPBACK[family], port });
    assert.equal(sock.accept(fd), undefined);
    const own = sock.socket({ family, type: "stream" });
    sock.connect(own, LOOPBACK[family], port);
    const client = new Socket({ fd: own, readable: true, writable: true });
    t.after(() => client.destroy());
    client.write("hello");
    let accepted = sock.accept(fd);
    for (const deadline = performance.now() + 20_000; accepted === undefined; accepted = sock.accept(fd)) {
      assert.ok(performance.now() < deadline, "nothing to accept");
      await new Promise(setImmediate);
    }
    assert.equal(accepted.address, LOOPBACK[family]);
    assert.deepEqual(sock.remoteAddress(accepted.fd), { address: accepted.address, port: accepted.port });
    const served = new Socket({ fd: accepted.fd });
    t.after(() => served.destroy());
    const [octets] = await once(served, "data", { signal: AbortSignal.timeout(20_000) });
    assert.equal(octets.toString(), "hello");
  });

  test(`${family}: TCP-MD5 with the right, a wrong and no key`, async (t) => {
    const key = Buffer.from("right");
    const bits = family === "ipv4" ? 32 : 128;
    const { fd, port } = listening(t, family, (of) => sock.setMd5(of, LOOPBACK[family], bits, key));
    const peer = (given: Uint8Array) => (own: number) => sock.setMd5(own, LOOPBACK[family], bits, given);
    await connects(t, family, port, peer(key));
    await connects(t, family, port, peer(Buffer.from("wrong")), { silent: true });
    await connects(t, family, port, undefined, { silent: true });
    sock.setMd5(fd, LOOPBACK[family], bits, new Uint8Array(0));
    await connects(t, family, port);
    assert.throws(() => sock.setMd5(fd, LOOPBACK[family], bits, new Uint8Array(0)), {
      code: "ENOENT",
      syscall: "setsockopt",
    });
  });

  test(`${family}: TCP-MD5 for a prefix of peers`, async (t) => {
    const key = Buffer.from("shared");
    const net = family === "ipv4" ? (["127.0.0.0", 8] as const) : (["::", 64] as const);
    const { port } = listening(t, family, (of) => sock.setMd5(of, net[0], net[1], key));
    const own = (of: number) => sock.setMd5(of, LOOPBACK[family], family === "ipv4" ? 32 : 128, key);
    await connects(t, family, port, own);
    await connects(t, family, port, undefined, { silent: true });
  });

  test(`${family}: TTL security takes 255 and drops less`, async (t) => {
    const { port } = listening(t, family, (of) => sock.setTtlSecurity(of, 255));
    await connects(t, family, port, (own) => sock.setTtlSecurity(own, 255));
    await connects(t, family, port, (own) => sock.setHopLimit(own, 64), { silent: true });
    const near = listening(t, family, (of) => sock.setTtlSecurity(of, 254));
    await connects(t, family, near.port, (own) => sock.setHopLimit(own, 254));
  });
}

test("an IPv6 socket for both protocols treats IPv4 peers alike", async (t) => {
  const fd = sock.socket({ family: "ipv6", type: "stream" });
  t.after(() => sock.close(fd));
  sock.bind(fd, "::", 0, { v6Only: false });
  sock.setMd5(fd, "127.0.0.1", 32, Buffer.from("key"));
  sock.setTtlSecurity(fd, 255);
  sock.listen(fd, 8);
  const { port } = sock.localAddress(fd);
  const keyed = (hops: number) => (own: number) => {
    sock.setMd5(own, "127.0.0.1", 32, Buffer.from("key"));
    sock.setHopLimit(own, hops);
  };
  await connects(t, "ipv4", port, keyed(255));
  assert.equal(sock.accept(fd)?.address, "::ffff:127.0.0.1");
  await connects(t, "ipv4", port, keyed(64), { silent: true });
  await connects(t, "ipv4", port, (own) => sock.setHopLimit(own, 255), { silent: true });
});

test("net.Server takes a bound descriptor over", async (t) => {
  const fd = sock.socket({ family: "ipv6", type: "stream" });
  sock.bind(fd, "::1", 0);
  const server: Server = createServer((served) => served.end("bye")).listen({ fd });
  t.after(() => server.close());
  await once(server, "listening");
  const client = new Socket().connect(sock.localAddress(fd).port, "::1");
  const [octets] = await once(client, "data", { signal: AbortSignal.timeout(20_000) });
  assert.equal(octets.toString(), "bye");
  client.destroy();
});

test("options are set as asked for", (t) => {
  const fd = sock.socket({ family: "ipv6", type: "stream", protocol: 6 });
  t.after(() => sock.close(fd));
  // An address that no interface has needs freeBind.
  assert.throws(() => sock.bind(fd, "2001:db8::77", 0), {
    code: "EADDRNOTAVAIL",
    syscall: "bind",
    message: /2001:db8::77/,
  });
  sock.bind(fd, "2001:db8::77", 0, { freeBind: true, reuseAddress: true, reusePort: true, v6Only: true });
  assert.equal(sock.getInteger(fd, IPPROTO_IP, IP_FREEBIND), 1);
  assert.equal(sock.getInteger(fd, SOL_SOCKET, SO_REUSEPORT), 1);
  assert.equal(sock.getInteger(fd, IPPROTO_IPV6, IPV6_V6ONLY), 1);
  sock.setHopLimit(fd, 3);
  assert.equal(sock.getInteger(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS), 3);
  sock.setTtlSecurity(fd, 250);
  assert.equal(sock.getInteger(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS), 255);
  assert.equal(sock.getInteger(fd, IPPROTO_IPV6, IPV6_MINHOPCOUNT), 250);
  sock.setInteger(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 9);
  assert.equal(sock.getInteger(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS), 9);
  const v4 = sock.socket({ family: "ipv4", type: "datagram" });
  t.after(() => sock.close(v4));
  sock.setHopLimit(v4, 7);
  assert.equal(sock.getInteger(v4, IPPROTO_IP, IP_TTL), 7);
});

test("a port in use is EADDRINUSE", (t) => {
  const { port } = listening(t, "ipv6");
  const fd = sock.socket({ family: "ipv6", type: "stream" });
  t.after(() => sock.close(fd));
  assert.throws(() => sock.bind(fd, "::1", port), {
    code: "EADDRINUSE",
    errno: -98,
    syscall: "bind",
    message: new RegExp(`::1 port ${port}`),
  });
});

test("a socket in another network namespace; this process stays where it is", async (t) => {
  const reason = whyNoNamespaces();
  if (reason !== undefined) return t.skip(`skipped: ${reason}`);
  const namespace = `/run/netns/${makeNamespace(t)}`;
  const home = readlinkSync("/proc/thread-self/ns/net");
  const listener = sock.socket({ family: "ipv6", type: "stream", namespace });
  t.after(() => sock.close(listener));
  sock.bind(listener, "::1", 0);
  sock.listen(listener, 1);
  const { port } = sock.localAddress(listener);
  assert.equal(readlinkSync("/proc/thread-self/ns/net"), home);

  const inside = new Socket({ fd: sock.socket({ family: "ipv6", type: "stream", namespace }) }).connect(port, "::1");
  await once(inside, "connect", { signal: AbortSignal.timeout(20_000) });
  inside.destroy();
  const outside = new Socket().connect(port, "::1");
  await assert.rejects(once(outside, "connect"), { code: "ECONNREFUSED" });

  assert.throws(() => sock.socket({ family: "ipv6", type: "stream", namespace: "/run/netns/absent" }), {
    code: "ENOENT",
    syscall: "open",
  });
  assert.throws(() => sock.socket({ family: "ipv6", type: "stream", namespace: "/dev/null" }), {
    code: "EINVAL",
    syscall: "setns",
  });
  assert.equal(readlinkSync("/proc/thread-self/ns/net"), home);
});

test("interfaces with driver, address and carrier; link-local addresses keep their zone", (t) => {
  const reason = whyNoNamespaces();
  if (reason !== undefined) return t.skip(`skipped: ${reason}`);
  const namespace = makeNamespace(t);
  makeVeth(namespace, "st0", "st1");
  runInside(namespace, async ({ execFileSync, sock }) => {
    execFileSync("ip", ["link", "set", "st0", "mtu", "1400", "address", "02:00:00:00:00:01"]);
    execFileSync("ip", ["address", "add", "fe80::1/64", "dev", "st0", "nodad"]);
    const found = () => Object.fromEntries(sock.interfaceList().map((each) => [each.name, each]));
    assert.deepEqual(Object.keys(found()).toSorted(), ["lo", "st0", "st1"]);
    assert.deepEqual(found().st0, {
      name: "st0",
      index: sock.interfaceIndex("st0"),
      mtu: 1400,
      up: true,
      running: true,
      driver: "veth",
      hardwareAddress: "02:00:00:00:00:01",
    });
    execFileSync("ip", ["link", "set", "st1", "down"]);
    // The kernel tells of a lost carrier from a work queue, within a second.
    for (let looks = 0; found().st0!.running && looks < 100; looks++) execFileSync("sleep", ["0.02"]);
    assert.equal(found().st0!.running, false);
    assert.equal(found().st1!.up, false);
    assert.equal(sock.interfaceIndex("absent"), undefined);

    const fd = sock.socket({ family: "ipv6", type: "datagram" });
    sock.bindToDevice(fd, "st0");
    sock.bind(fd, "fe80::1%st0", 0);
    assert.equal(sock.localAddress(fd).address, "fe80::1%st0");
    assert.throws(() => sock.bindToDevice(fd, "absent"), { code: "ENODEV", syscall: "setsockopt" });
    sock.close(fd);
  });
});

test("wrong arguments throw and open nothing", (t) => {
  const fd = sock.socket({ family: "ipv6", type: "stream" });
  t.after(() => sock.close(fd));
  const before = openDescriptors();
  const loose = sock as unknown as Record<string, (...given: unknown[]) => unknown>;
  const key = new Uint8Array(4);
  const ao = { sendId: 1, receiveId: 2, algorithm: "hmac-sha-1-96", key };
  const wrong: Record<string, unknown[][]> = {
    socket: [
      [],
      [1],
      [{}],
      [{ family: "ipx", type: "stream" }],
      [{ family: "ipv6", type: "seqpacket" }],
      [{ family: "ipv6", type: "raw", protocol: 999 }],
      [{ family: "ipv6", type: "stream", namespace: 1 }],
    ],
    bind: [
      [],
      ["x", "::", 1],
      [-1, "::", 1],
      [fd, 1, 1],
      [fd, "localhost", 1],
      [fd, "1", 1],
      [fd, "127.1", 1],
      [fd, "::g", 1],
      [fd, "::", -1],
      [fd, "::", 65536],
      [fd, "::", "80"],
      [fd, "::", 0, 1],
      [fd, "::", 0, { reusePort: 1 }],
    ],
    listen: [[], [fd], [fd, -1], [fd, 1.5]],
    connect: [[], [fd, "example.net", 1], [fd, "::1", 70000]],
    accept: [[], [1.5], ["1"]],
    close: [[], [-1], [2 ** 31]],
    duplicate: [[], [null]],
    setInteger: [[], [fd, 1], [fd, 1, 1], [fd, 1, 1, 2 ** 31], [fd, -1, 1, 1]],
    getInteger: [[], [fd, 1], [fd, "1", 1]],
    setMd5: [
      [],
      [fd, "::1", 129, key],
      [fd, "127.0.0.1", 33, key],
      [fd, "::1", -1, key],
      [fd, "::1", 128, "key"],
      [fd, "::1", 128, new Uint8Array(81)],
      [fd, "peer", 128, key],
    ],
    addAoKey: [
      [],
      [fd, "::1", 128],
      [fd, "::1", 129, ao, true],
      [fd, "::1", 128, { ...ao, sendId: 256 }, true],
      [fd, "::1", 128, { ...ao, receiveId: -1 }, true],
      [fd, "::1", 128, { ...ao, algorithm: "hmac(sha1)" }, true],
      [fd, "::1", 128, { ...ao, key: new Uint8Array(0) }, true],
      [fd, "::1", 128, { ...ao, key: new Uint8Array(81) }, true],
      [fd, "::1", 128, ao, 1],
    ],
    deleteAoKey: [[], [fd, "::1", 128, {}, ao], [fd, "peer", 128, ao, ao], [fd, "::1", 128, ao, {}], [fd, "::1", 128]],
    useAoKey: [[], [fd], [fd, {}], [fd, { sendId: 1, receiveId: 256 }]],
    setTtlSecurity: [[], [fd], [fd, 0], [fd, 256]],
    setHopLimit: [[], [fd], [fd, 0], [fd, 256]],
    bindToDevice: [[], [fd], [fd, ""], [fd, "a-name-too-long-"]],
    localAddress: [[], [{}]],
    remoteAddress: [[], [{}]],
    interfaceIndex: [[], [1], [""], ["a-name-too-long-"]],
  };
  for (const [name, calls] of Object.entries(wrong))
    for (const given of calls) assert.throws(() => loose[name]!(...given), /must/, `${name}(${JSON.stringify(given)})`);
  assert.equal(openDescriptors(), before);
  for (const name of ["listen", "setTtlSecurity", "setHopLimit"])
    assert.throws(() => loose[name]!(99999, 1), { code: "EBADF" });
  for (const name of ["accept", "close", "duplicate", "localAddress"])
    assert.throws(() => loose[name]!(99999), { code: "EBADF" });
  assert.throws(() => sock.remoteAddress(fd), { code: "ENOTCONN", syscall: "getpeername" });
  assert.throws(() => sock.bind(fd, "127.0.0.1", 0), { syscall: "bind" });
});

test("descriptors are close-on-exec, non-blocking, and closed once", () => {
  const before = openDescriptors();
  const fd = sock.socket({ family: "ipv4", type: "datagram" });
  const copy = sock.duplicate(fd);
  for (const each of [fd, copy]) {
    const flags = Number.parseInt(/flags:\s*(\d+)/.exec(readFileSync(`/proc/self/fdinfo/${each}`, "utf8"))![1]!, 8);
    assert.equal(flags & 0o2004000, 0o2004000, "O_CLOEXEC and O_NONBLOCK");
  }
  assert.equal(openDescriptors(), before + 2);
  sock.close(fd);
  sock.close(copy);
  assert.equal(openDescriptors(), before);
  assert.throws(() => sock.close(fd), { code: "EBADF", syscall: "close" });
});

test("TCP-AO: a kernel that has it signs and checks, another one says that it has not (RFC 5925)", async (t) => {
  const key = (sendId: number, receiveId: number) =>
    ({ sendId, receiveId, algorithm: "hmac-sha-1-96", key: Buffer.from("shared") }) as const;
  const fd = sock.socket({ family: "ipv6", type: "stream" });
  t.after(() => sock.close(fd));
  if (!sock.hasTcpAo()) {
    assert.throws(() => sock.addAoKey(fd, "::1", 128, key(1, 2), true), { code: "ENOPROTOOPT", syscall: "setsockopt" });
    assert.throws(() => sock.deleteAoKey(fd, "::1", 128, key(1, 2), key(3, 4)), { code: "ENOPROTOOPT" });
    assert.throws(() => sock.useAoKey(fd, key(1, 2)), { code: "ENOPROTOOPT" });
    return;
  }
  const { port } = listening(t, "ipv6", (of) => sock.addAoKey(of, "::1", 128, key(1, 2), false));
  const peer = (sendId: number, receiveId: number) => (own: number) =>
    sock.addAoKey(own, "::1", 128, key(sendId, receiveId), true);
  await connects(t, "ipv6", port, peer(2, 1));
  await connects(t, "ipv6", port, peer(3, 1), { silent: true });
});

test("neighbour discovery: the types that are asked for, with source and hop limit, on one interface (RFC 3542)", {
  skip: whyNoNamespaces() ?? false,
}, (t) => {
  const namespace = makeNamespace(t);
  makeVeth(namespace, "one", "other");
  runInside(namespace, async ({ execFileSync, sock }) => {
    execFileSync("ip", ["link", "set", "other", "mtu", "1280"]);
    const until = async <T>(what: string, ask: () => T | undefined): Promise<T> => {
      for (let i = 0; i < 500; i++) {
        const found = ask();
        if (found !== undefined) return found;
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      throw new Error(`not within 5 s: ${what}`);
    };
    const open = (name: string, types: number[]): number => {
      const fd = sock.socket({ family: "ipv6", type: "raw", protocol: 58 });
      sock.prepareDiscovery(fd, name, Uint8Array.from(types));
      return fd;
    };
    const one = open("one", [134]);
    const other = open("other", [133]);
    // Before the link has an address nothing can be sent there.
    const send = (fd: number, octets: Uint8Array, to: string): true | undefined => {
      try {
        sock.send(fd, octets, to);
        return true;
      } catch {
        return undefined;
      }
    };
    const advertisement = Uint8Array.of(134, 0, ...new Uint8Array(14));
    const solicitation = Uint8Array.of(133, 0, ...new Uint8Array(6));
    await until("an address", () => send(other, advertisement, "ff02::1%other"));
    const found = await until("an advertisement", () => sock.receive(one));
    assert.match(found.source, /^fe80::[0-9a-f:]+%one$/);
    assert.deepEqual([found.hopLimit, found.octets.length, found.octets[0]], [255, 16, 134]);
    // Not asked for there: the one that is arrives behind it.
    sock.send(one, advertisement, "ff02::1%one");
    sock.send(one, solicitation, "ff02::1%one");
    assert.equal((await until("a question", () => sock.receive(other))).octets[0], 133);
    assert.throws(() => sock.prepareDiscovery(other, "nosuch", Uint8Array.of(134)), { code: "ENODEV" });
    assert.throws(() => sock.send(other, advertisement, "nobody"), RangeError);
    // One option of 173 units; the link takes 1280 octets from there (RFC 6980).
    const long = new Uint8Array(16 + 8 * 173);
    long.set([134], 0);
    long.set([250, 173], 16);
    sock.send(other, long, "ff02::1%other");
    const whole = await until("an advertisement in fragments", () => sock.receive(one));
    assert.deepEqual([whole.octets.length, whole.hopLimit, whole.fragmented], [long.length, 255, true]);
    assert.equal(found.fragmented, undefined);
    for (const fd of [one, other]) sock.close(fd);
    assert.throws(() => sock.receive(one), { code: "EBADF" });
  });
});

/** Heartbeats and link events: what the thread does while JavaScript is busy, and what it refuses. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { it, type TestContext } from "node:test";
import { whyNoBpf } from "./bpf-lab.ts";
import { makeNamespace, makeVeth, runInside, whyNoNamespaces } from "./namespaces.ts";

function placeOrSkip(t: TestContext): string | undefined {
  const reason = whyNoNamespaces() ?? whyNoBpf();
  if (reason === undefined) return makeNamespace(t);
  t.skip(`skipped: ${reason}`);
  return undefined;
}

it("a link that loses its carrier takes the ways with it that have no other; the words change while JavaScript is busy", (t) => {
  const namespace = placeOrSkip(t);
  if (namespace === undefined) return;
  makeVeth(namespace, "near", "far");
  makeVeth(namespace, "spare", "other");
  // else the kernel itself goes on sending by a link without carrier, and that way is lost
  const setting = "net.ipv6.conf.near.ignore_routes_with_linkdown=1";
  execFileSync("ip", ["netns", "exec", namespace, "sysctl", "-qw", setting]);
  for (const words of [
    "address add fd00::1/128 dev lo",
    "route add fd00:1::/48 dev near",
    "route add fd00:2::/48 dev near metric 100",
    "route add fd00:2::/48 dev spare metric 200",
  ])
    execFileSync("ip", ["-6", "-n", namespace, ...words.split(" ")]);
  runInside(namespace, async ({ loadSample, bpf, member, paths, execFileSync: run, blockUntil, monotonic }) => {
    using object = await loadSample(bpf);
    const map = member(object.maps, "shared");
    const words = new Uint32Array(map.mmap().buffer);
    const changes: { to: string; lost: boolean; stored: boolean }[] = [];
    /** When the thread saw each of them: unlike this test it runs before whatever else the machine does. */
    const times: number[] = [];
    let heard = (): void => {};
    const thread = paths.start({
      change: ({ to, lost, stored, at }) => {
        changes.push({ to, lost, stored });
        times.push(at);
        heard();
      },
    });
    const of = (to: string) => changes.filter((change) => change.to === to);
    const until = async (holds: () => boolean): Promise<void> => {
      const deadline = performance.now() + 20_000;
      while (!holds()) {
        assert.ok(performance.now() < deadline, JSON.stringify(changes));
        await Promise.race([new Promise<void>((resolve) => (heard = resolve)), new Promise((r) => setTimeout(r, 100))]);
      }
    };
    // state, silentAfter, lost of a way; state, lost of another and of one that drains
    words.set([1, 0, 0, 1, 0, 2, 0]);
    thread.bind({
      ...{ map, noWay: 3, up: 1 },
      paths: [
        { to: "fd00:2::9", state: 12, silentAfter: 4, lost: 16 },
        { to: "fd00:1::a", state: 20, silentAfter: 4, lost: 24 },
        { to: "fd00:1::9", state: 0, silentAfter: 4, lost: 8 }, // the last that is looked at
      ],
    });
    run("ip", ["link", "set", "far", "down"]);
    const down = monotonic();
    blockUntil("the word was not written", () => words.at(0) === 3);
    assert.equal(changes.length, 0, "JavaScript has not had its turn");
    await until(() => of("fd00:1::9").length > 0);
    assert.deepEqual(of("fd00:1::9"), [{ to: "fd00:1::9", lost: true, stored: true }]);
    const [lostAt] = times.filter((_, i) => changes[i]!.to === "fd00:1::9");
    assert.ok(lostAt! - down < 2000, `${lostAt! - down} ms; the kernel tells of a carrier within a second`);
    // Between a link's flags and its routes the kernel itself sends by the dead one: then that way was lost, and is back.
    // It is raised by who has lowered it, not only when JavaScript has its turn.
    blockUntil("the word was not written back", () => words.at(3) === 1);
    await until(() => words.at(4) === 0 && of("fd00:2::9").length % 2 === 0);
    const other = of("fd00:2::9");
    const lostToo = other.length > 0;
    assert.deepEqual(
      other,
      lostToo
        ? [
            { to: "fd00:2::9", lost: true, stored: true },
            { to: "fd00:2::9", lost: false, stored: true },
          ]
        : [],
    );
    assert.deepEqual([...words.subarray(0, 7)], [3, 0, 1, 1, 0, 2, 0], "another route, or draining: it stays");
    run("ip", ["link", "set", "spare", "down"]);
    run("ip", ["link", "set", "near", "down"]);
    const lost = other.length + 1;
    await until(() => of("fd00:2::9").length === lost);
    assert.equal(words[3], 3, "no route at all");
    run("ip", ["link", "set", "spare", "up"]);
    // A route that comes is no event of a link: it is followed as long as a way is lost, while JavaScript is busy
    run("ip", ["-6", "route", "add", "fd00:2::/48", "dev", "spare", "metric", "200"]);
    const added = monotonic();
    blockUntil("the word was not written back", () => words.at(3) === 1);
    await until(() => of("fd00:2::9").length === lost + 1);
    assert.deepEqual(changes.at(-1), { to: "fd00:2::9", lost: false, stored: true });
    assert.ok(times.at(-1)! - added < 700, `${times.at(-1)! - added} ms: sooner than the look of each second`);
    // What somebody else has said since stays
    run("ip", ["link", "set", "spare", "down"]);
    await until(() => of("fd00:2::9").length === lost + 2);
    words[3] = 0; // as BFD does
    run("ip", ["link", "set", "spare", "up"]);
    run("ip", ["-6", "route", "add", "fd00:2::/48", "dev", "spare", "metric", "200"]);
    await until(() => of("fd00:2::9").length === lost + 3);
    assert.deepEqual(changes.at(-1), { to: "fd00:2::9", lost: false, stored: false });
    assert.deepEqual([words[3], words[4]], [0, 0]);
    // another thread takes over what this one had found lost
    thread[Symbol.dispose]();
    assert.throws(() => thread.judge(true), /disposed/);
    const second = paths.start({ realtime: false, change: (change) => changes.push(change) && heard() });
    assert.deepEqual(second.priority, { realtime: false });
    run("ip", ["link", "set", "near", "up"]);
    run("ip", ["link", "set", "far", "up"]);
    run("ip", ["-6", "route", "add", "fd00:1::/48", "dev", "near"]);
    second.bind({ map, noWay: 3, up: 1, paths: [{ to: "fd00:1::9", state: 0, silentAfter: 4, lost: 8 }] });
    await until(() => of("fd00:1::9").length === 2);
    assert.deepEqual([changes.at(-1)!.lost, changes.at(-1)!.stored, words[0]], [false, true, 1]);
    // a link that went while nobody listened
    second.bind();
    run("ip", ["link", "set", "far", "down"]);
    await until(() => run("ip", ["link", "show", "near"]).includes("NO-CARRIER"));
    words.set([1, 0, 0]);
    second.bind({ map, noWay: 3, up: 1, paths: [{ to: "fd00:1::9", state: 0, silentAfter: 4, lost: 8 }] });
    await until(() => of("fd00:1::9").length === 3);
    assert.deepEqual([...words.subarray(0, 3)], [3, 0, 1]);
    assert.equal(changes.at(-1)!.lost, true);
    const binding = { map, noWay: 3, up: 1 };
    for (const offset of [-4, 2, map.mmap().length])
      assert.throws(
        () => second.bind({ ...binding, paths: [{ to: "fd00::1", state: offset, silentAfter: 0, lost: 0 }] }),
        RangeError,
      );
    assert.throws(
      () => second.bind({ ...binding, paths: [{ to: "10.0.0.1", state: 0, silentAfter: 0, lost: 0 }] }),
      RangeError,
    );
    assert.throws(() => second.bind({ ...binding, map: member(object.maps, "table"), paths: [] }), TypeError);
    second[Symbol.dispose]();
    second[Symbol.dispose]();
  });
});

it("heartbeats go out each interval while JavaScript is busy, and the words are cleared by who judges", (t) => {
  const namespace = placeOrSkip(t);
  if (namespace === undefined) return;
  for (const address of ["fd00::1/128", "fd00::2/128"])
    execFileSync("ip", ["-n", namespace, "address", "add", address, "dev", "lo", "nodad"]);
  runInside(namespace, async ({ loadSample, bpf, member, paths, blockUntil }) => {
    const dgram = await import("node:dgram");
    const { once } = (await import("node:events")).default;
    using object = await loadSample(bpf);
    const map = member(object.maps, "shared");
    const words = new Uint32Array(map.mmap().buffer);
    const socket = dgram.createSocket("udp6");
    socket.bind(21330, "fd00::2");
    await once(socket, "listening");
    const beats: Buffer[] = [];
    socket.on("message", (octets, { address }) => {
      assert.equal(address, "fd00::1");
      beats.push(octets);
    });
    const thread = paths.start({ change: () => {} });
    const beat = { from: "fd00::1", to: ["fd00::2"], port: 21330, interval: 10_000, hold: 300 };
    assert.throws(() => thread.beat({ ...beat, from: "fd00::99" }), { code: "EADDRNOTAVAIL" });
    assert.throws(() => thread.beat({ ...beat, to: ["nowhere"] }), RangeError);
    assert.throws(() => thread.beat({ ...beat, interval: 10 }), RangeError);
    assert.throws(() => thread.beat({ ...beat, hold: 65536 }), RangeError);
    thread.beat(beat);
    const busy = performance.now() + 500;
    while (performance.now() < busy);
    assert.ok(thread.beats.sent >= 20, `${thread.beats.sent} were sent while JavaScript is busy`);
    assert.equal(beats.length, 0, "JavaScript has not had its turn");
    for (const deadline = performance.now() + 20_000; beats.length < 20; ) {
      assert.ok(performance.now() < deadline, `${beats.length} of ${thread.beats.sent} have arrived`);
      await new Promise(setImmediate);
    }
    const { sent, sendErrors } = thread.beats;
    assert.ok(sent >= beats.length && sendErrors === 0, `${beats.length} of ${sent}`);
    assert.equal(beats[0]!.toString("hex"), `53454d520100012c${"00".repeat(16)}`);
    words[1] = 77;
    thread.bind({ map, noWay: 3, up: 1, paths: [{ to: "fd00::2", state: 0, silentAfter: 4, lost: 8 }] });
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(words[1], 77, "the pass judges");
    thread.judge(true);
    blockUntil("cleared while JavaScript is busy", () => words.at(1) === 0);
    thread.beat();
    await new Promise((resolve) => setTimeout(resolve, 30));
    const stopped = thread.beats.sent;
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(thread.beats.sent, stopped);
    thread[Symbol.dispose]();
    socket.close();
  });
});

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { join } from "node:path";
import { it, type TestContext } from "node:test";
import { makeNamespace, runInside, whyNoNamespaces } from "./namespaces.ts";

/** A namespace whose loopback has the addresses of both ends. */
function pairOrSkip(t: TestContext): string | undefined {
  const reason = whyNoNamespaces();
  if (reason !== undefined) {
    t.skip(`skipped: ${reason}`);
    return undefined;
  }
  const namespace = makeNamespace(t);
  for (const address of ["fd00::1/128", "fd00::2/128", "192.0.2.1/32", "192.0.2.2/32"])
    execFileSync("ip", [
      "-n",
      namespace,
      "address",
      "add",
      address,
      "dev",
      "lo",
      ...(address.includes(":") ? ["nodad"] : []),
    ]);
  return namespace;
}

it("a session comes up by a Poll Sequence, and goes down when the peer falls silent (RFC 5880 §6.8.3, §6.8.4)", (t) => {
  const namespace = pairOrSkip(t);
  if (namespace === undefined) return;
  runInside(namespace, async ({ BfdEnd, BfdPeer }) => {
    for (const [local, remote] of [
      ["fd00::1", "fd00::2"],
      ["192.0.2.1", "192.0.2.2"],
    ] as const) {
      const end = new BfdEnd();
      const peer = await BfdPeer.open(remote, local);
      using session = end.open({ local, remote });
      const first = await peer.next(() => true, "anything");
      assert.deepEqual(
        { ...first, port: undefined, at: undefined },
        {
          version: 1,
          diagnostic: 0,
          state: "Down",
          poll: false,
          final: false,
          independent: false,
          authenticated: false,
          demand: false,
          multipoint: false,
          multiplier: 3,
          length: 24,
          mine: session.session,
          yours: 0,
          desiredMinTx: 1_000_000,
          requiredMinRx: 50_000,
          requiredMinEchoRx: 0,
          octets: 24,
          port: undefined,
          at: undefined,
        },
      );
      assert.ok(first.port >= 49152, "source port (RFC 5881 §4)");
      await peer.comeUp();
      const polled = peer.heard.find(({ poll }) => poll);
      assert.deepEqual([polled?.state, polled?.desiredMinTx], ["Up", 50_000], "the Poll brings the fast interval");
      await end.until(() => !session.status.polling, "the Poll Sequence ends");
      assert.equal(session.status.transmitInterval, 50_000);
      assert.equal(session.status.detectionTime, 1_500_000);
      // Only the last packet says how little silence is meant: this process may wait for a processor before.
      peer.fallSilent();
      await peer.send({ multiplier: 3 });
      const down = await end.change(({ before }) => before === "Up");
      // By the clock of who noticed it: this process may be late, to send and to hear of it.
      const { begun, done } = peer.lastSent;
      assert.ok(down.at - begun > 100 && down.at - done < 400, `noticed after ${down.at - done} ms`);
      assert.deepEqual([down.state, down.diagnostic, down.failed, down.stored], ["Down", 1, true, false]);
      const told = await peer.next(
        ({ state, diagnostic }) => state === "Down" && diagnostic === 1,
        "Down, diagnostic 1",
      );
      assert.equal(told.yours, 0, "bfd.RemoteDiscr is forgotten (§6.8.1)");
      assert.equal(told.desiredMinTx, 1_000_000, "slow while not up (§6.8.3)");
      peer.close();
      end.thread[Symbol.dispose]();
    }
  });
});

it("what the peer says takes the session down (RFC 5880 §6.8.6, RFC 5882 §3.2)", (t) => {
  const namespace = pairOrSkip(t);
  if (namespace === undefined) return;
  runInside(namespace, async ({ BfdEnd, BfdPeer }) => {
    const end = new BfdEnd();
    const peer = await BfdPeer.open("fd00::2", "fd00::1");
    using session = end.open({ local: "fd00::1", remote: "fd00::2" });
    for (const [state, failed] of [
      ["Down", true],
      ["AdminDown", false],
    ] as const) {
      peer.heard.length = 0;
      peer.fields = { ...peer.fields, state: "Down", yours: 0 };
      const from = end.changes.length;
      await peer.comeUp();
      await end.until(() => session.status.state === "Up", "Up");
      peer.fallSilent();
      await peer.send({ state });
      const down = await end.change(({ before }) => before === "Up", from);
      assert.deepEqual([down.state, down.diagnostic, down.failed], ["Down", 3, failed], state);
    }
    // Up from Down is never one step: the peer must have heard us.
    await peer.send({ state: "Up" });
    await end.until(() => session.status.remoteState === "Up", "the Up is heard");
    assert.equal(session.status.state, "Down");
    peer.close();
    end.thread[Symbol.dispose]();
  });
});

it("every packet that §6.8.6 refuses is discarded and counted by reason", (t) => {
  const namespace = pairOrSkip(t);
  if (namespace === undefined) return;
  runInside(namespace, async ({ BfdEnd, BfdPeer, encode }) => {
    const end = new BfdEnd();
    const peer = await BfdPeer.open("fd00::2", "fd00::1");
    using session = end.open({ local: "fd00::1", remote: "fd00::2" });
    await peer.comeUp();
    await end.until(() => session.status.state === "Up", "Up");
    const good = peer.fields;
    const total = () => {
      const sum: Record<string, number> = { ...end.thread.discarded };
      for (const [reason, count] of Object.entries(session.status.discarded)) sum[reason] = (sum[reason] ?? 0) + count;
      return sum;
    };
    const cases = [
      ["version 0", { version: 0 }, "version"],
      ["version 2", { version: 2 }, "version"],
      ["length 23", { length: 23 }, "length"],
      ["length 25 of 24 octets", { length: 25 }, "length"],
      ["length 24 with A", { authenticated: true }, "length"],
      ["detect multiplier 0", { multiplier: 0 }, "detectMultiplier"],
      ["M bit", { multipoint: true }, "multipoint"],
      ["my discriminator 0", { mine: 0 }, "myDiscriminator"],
      ["your discriminator of nobody", { yours: (good.yours ^ 1) >>> 0 }, "yourDiscriminator"],
      ["your discriminator 0 in Up", { yours: 0 }, "state"],
      ["your discriminator 0 in Init", { yours: 0, state: "Init" }, "state"],
    ] as const;
    for (const [name, change, reason] of cases) {
      const before = total();
      await peer.send(change);
      await end.until(() => (total()[reason] ?? 0) > (before[reason] ?? 0), name);
    }
    const before = total();
    await peer.sendOctets(
      Buffer.concat([encode({ ...good, authenticated: true, length: 28 }), Buffer.of(1, 4, 1, 65)]),
    );
    await end.until(() => total().authentication === (before.authentication ?? 0) + 1, "A bit without authentication");
    peer.setTtl(254);
    await peer.send({ state: "Down" });
    await end.until(() => (total().ttl ?? 0) >= 1, "hop limit 254 (RFC 5881 §5)");
    peer.setTtl(255);
    const stranger = await BfdPeer.open("::1", "fd00::1");
    await stranger.sendOctets(encode({ ...good, state: "Down" }));
    await stranger.sendOctets(encode({ ...good, state: "Down", yours: 0 }));
    await end.until(() => total().source === 2, "a stranger, with and without our discriminator");
    assert.equal(session.status.state, "Up");
    assert.equal(session.status.downs, 0);
    stranger.close();
    peer.close();
    end.thread[Symbol.dispose]();
  });
});

it("truncated and bent packets: what is taken is what the standard takes", (t) => {
  const namespace = pairOrSkip(t);
  if (namespace === undefined) return;
  runInside(namespace, async ({ BfdEnd, BfdPeer, encode }) => {
    const { default: fc } = await import("fast-check");
    const end = new BfdEnd();
    const peer = await BfdPeer.open("fd00::2", "fd00::1");
    // A session that is administratively down counts what it would have taken, and stays as it is.
    using session = end.open({ local: "fd00::1", remote: "fd00::2" });
    session.setAdminDown(true);
    const good = encode({ ...peer.fields, yours: session.session, state: "Up" });
    const reference = (octets: Uint8Array): string => {
      const at = (index: number) => octets[index] ?? 0;
      const word = (index: number) => Buffer.from(octets).readUInt32BE(index);
      if (octets.length === 0) return "length";
      if (at(0) >> 5 !== 1) return "version";
      if (octets.length < 24 || at(3) < (at(1) & 4 ? 26 : 24) || at(3) > octets.length) return "length";
      if (at(2) === 0) return "detectMultiplier";
      if (at(1) & 1) return "multipoint";
      if (word(4) === 0) return "myDiscriminator";
      if (word(8) !== 0 && word(8) !== session.session) return "yourDiscriminator";
      if (word(8) === 0 && at(1) >> 6 > 1) return "state";
      return at(1) & 4 ? "authentication" : "adminDown";
    };
    const counts = (): Record<string, number> => {
      const sum: Record<string, number> = { ...end.thread.discarded };
      for (const [reason, count] of Object.entries(session.status.discarded)) sum[reason] = (sum[reason] ?? 0) + count;
      return sum;
    };
    const want = counts();
    const put = async (octets: Uint8Array): Promise<void> => {
      const reason = reference(octets);
      want[reason] = (want[reason] ?? 0) + 1;
      await peer.sendOctets(octets);
    };
    for (let length = 0; length <= good.length; length++) await put(good.subarray(0, length));
    for (let bit = 0; bit < good.length * 8; bit++) {
      const bent = Buffer.from(good);
      bent[bit >> 3]! ^= 0x80 >> (bit & 7);
      await put(bent);
    }
    const seed = Date.now() % 2 ** 31;
    console.log(`seed ${seed}`);
    const places = fc.array(fc.record({ at: fc.nat(40), value: fc.nat(255) }), { minLength: 1, maxLength: 6 });
    for (const { changes, length } of fc.sample(fc.record({ changes: places, length: fc.nat(60) }), {
      numRuns: 1500,
      seed,
    })) {
      const bent = Buffer.concat([good, Buffer.alloc(40)]).subarray(0, length);
      for (const { at, value } of changes) if (at < bent.length) bent[at] = value;
      await put(bent);
    }
    const sum = (of: Record<string, number>): number => Object.values(of).reduce((a, b) => a + b, 0);
    await end.until(() => sum(counts()) === sum(want), "all are counted");
    assert.deepEqual(Object.entries(counts()).sort(), Object.entries(want).sort());
    assert.equal(session.status.state, "AdminDown");
    peer.close();
    end.thread[Symbol.dispose]();
  });
});

it("multihop: port 4784, and no hop limit below the minimum (RFC 5883)", (t) => {
  const namespace = pairOrSkip(t);
  if (namespace === undefined) return;
  runInside(namespace, async ({ BfdEnd, BfdPeer }) => {
    const end = new BfdEnd();
    const peer = await BfdPeer.open("fd00::2", "fd00::1", { multihop: true, ttl: 250 });
    peer.fields = { ...peer.fields, multiplier: 6 };
    using session = end.open({ local: "fd00::1", remote: "fd00::2", multihop: true, minimumTtl: 250 });
    await peer.comeUp();
    await end.until(() => session.status.state === "Up", "Up");
    peer.fallSilent();
    peer.setTtl(249);
    peer.repeat(20);
    const down = await end.change(({ before }) => before === "Up");
    assert.equal(down.diagnostic, 1);
    assert.ok((session.status.discarded.ttl ?? 0) > 1);
    assert.throws(() => end.open({ local: "fd00::1", remote: "fd00::3", minimumTtl: 250 }), RangeError);
    assert.throws(() => end.open({ local: "fd00::1", remote: "fd00::2", multihop: true }), { code: "EEXIST" });
    assert.throws(() => end.open({ local: "fd00::1", remote: "192.0.2.2" }), RangeError);
    assert.throws(() => end.open({ local: "fd00::77", remote: "fd00::2" }), { code: "EADDRNOTAVAIL" });
    assert.throws(() => end.open({ local: "fd00::1", remote: "fd00::3", desiredMinTx: 999 }), RangeError);
    assert.throws(() => end.open({ local: "fd00::1", remote: "fd00::3", detectMultiplier: 0 }), RangeError);
    assert.throws(() => end.open({ local: "localhost", remote: "fd00::3" }), RangeError);
    peer.close();
    end.thread[Symbol.dispose]();
  });
});

it("a longer interval waits for the end of the Poll Sequence, a shorter one does not (RFC 5880 §6.8.3)", (t) => {
  const namespace = pairOrSkip(t);
  if (namespace === undefined) return;
  runInside(namespace, async ({ BfdEnd, BfdPeer }) => {
    const end = new BfdEnd();
    const peer = await BfdPeer.open("fd00::2", "fd00::1");
    peer.fields = { ...peer.fields, desiredMinTx: 20_000, requiredMinRx: 20_000 };
    using session = end.open({ local: "fd00::1", remote: "fd00::2" });
    await peer.comeUp(10);
    await end.until(() => !session.status.polling, "settled");
    peer.answerPolls(false);
    session.setTimes({ desiredMinTx: 200_000, requiredMinRx: 25_000, detectMultiplier: 4 });
    const polled = await peer.next(({ poll, desiredMinTx }) => poll && desiredMinTx === 200_000, "the Poll");
    assert.deepEqual([polled.requiredMinRx, polled.multiplier], [25_000, 4]);
    assert.equal(session.status.transmitInterval, 50_000, "as before until the peer has agreed");
    assert.equal(session.status.detectionTime, 1_500_000, "as before until the peer has agreed");
    // The peer's own Poll is answered at once with F alone, in the middle of ours.
    await peer.send({ poll: true });
    const answer = await peer.next(({ final }) => final, "F");
    assert.equal(answer.poll, false);
    assert.equal(session.status.polling, true);
    await peer.send({ final: true });
    await end.until(() => !session.status.polling, "F ends it");
    assert.equal(session.status.transmitInterval, 200_000);
    assert.equal(session.status.detectionTime, 750_000);
    session.setTimes({ desiredMinTx: 60_000, requiredMinRx: 100_000, detectMultiplier: 3 });
    assert.equal(session.status.transmitInterval, 60_000, "a shorter one holds at once");
    assert.equal(session.status.detectionTime, 3_000_000, "a longer detection time holds at once");
    // Slower because the peer wants it, and then faster: at once.
    peer.fields = { ...peer.fields, requiredMinRx: 500_000 };
    await peer.send({ final: true });
    await end.until(() => session.status.transmitInterval === 500_000, "bfd.RemoteMinRxInterval");
    peer.fields = { ...peer.fields, requiredMinRx: 0 };
    await end.until(() => session.status.transmitInterval === undefined, "no periodic packets at all");
    peer.fields = { ...peer.fields, requiredMinRx: 20_000, demand: true };
    await end.until(
      () => session.status.remoteState === "Up" && session.status.transmitInterval === undefined,
      "demand mode",
    );
    peer.fields = { ...peer.fields, demand: false };
    await end.until(() => session.status.transmitInterval === 60_000, "periodic again");
    assert.equal(session.status.downs, 0);
    peer.close();
    end.thread[Symbol.dispose]();
  });
});

it("packets are sent after 75 to 100 % of the interval, at most 90 % with detect multiplier 1 (RFC 5880 §6.8.7)", (t) => {
  const namespace = pairOrSkip(t);
  if (namespace === undefined) return;
  runInside(namespace, async ({ BfdEnd, BfdPeer }) => {
    for (const [detectMultiplier, most] of [
      [3, 1],
      [1, 0.9],
    ] as const) {
      const end = new BfdEnd();
      const peer = await BfdPeer.open("fd00::2", "fd00::1");
      using session = end.open({ local: "fd00::1", remote: "fd00::2", desiredMinTx: 60_000, detectMultiplier });
      await peer.comeUp(10);
      await end.until(() => !session.status.polling, "settled");
      peer.heard.length = 0;
      await end.until(() => peer.heard.length > 40, "forty packets");
      const times = peer.heard.map(({ at }) => at);
      const gaps = times.slice(1).map((at, index) => at - times[index]!);
      // The receiver is late now and then: what half of all pairs say that are far apart.
      const means = times.flatMap((at, i) => times.slice(i + 20).map((later, more) => (later - at) / (20 + more) / 60));
      const mean = means.sort((a, b) => a - b)[means.length >> 1]!;
      assert.ok(mean > 0.77 && mean < most, `mean ${mean}`);
      assert.ok(new Set(gaps.map((gap) => Math.round(gap / 2))).size > 3, "not always the same");
      peer.close();
      end.thread[Symbol.dispose]();
    }
  });
});

it("administratively down: said to the peer, and packets are discarded (RFC 5880 §6.8.16)", (t) => {
  const namespace = pairOrSkip(t);
  if (namespace === undefined) return;
  runInside(namespace, async ({ BfdEnd, BfdPeer }) => {
    const end = new BfdEnd();
    const peer = await BfdPeer.open("fd00::2", "fd00::1");
    const session = end.open({ local: "fd00::1", remote: "fd00::2" });
    await peer.comeUp();
    await end.until(() => session.status.state === "Up", "Up");
    session.setAdminDown(true);
    await peer.next(({ state, diagnostic }) => state === "AdminDown" && diagnostic === 7, "AdminDown");
    const change = await end.change(({ state }) => state === "AdminDown");
    assert.equal(change.failed, false);
    await end.until(() => (session.status.discarded.adminDown ?? 0) > 2, "discarded");
    peer.heard.length = 0;
    session.setAdminDown(false);
    await peer.next(({ state }) => state === "Down", "Down again");
    peer.fields = { ...peer.fields, state: "Down" };
    await end.until(() => session.status.state === "Init", "Init");
    peer.heard.length = 0;
    session[Symbol.dispose]();
    await peer.next(({ state }) => state === "AdminDown", "the end of a session is said");
    assert.throws(() => session.status, /disposed/);
    session[Symbol.dispose]();
    peer.close();
    end.thread[Symbol.dispose]();
  });
});

it("threads and descriptors go with the session, and a process with a session ends by itself", (t) => {
  const namespace = pairOrSkip(t);
  if (namespace === undefined) return;
  runInside(namespace, async ({ BfdEnd, openDescriptors }) => {
    const { readdirSync } = await import("node:fs");
    const threads = () => readdirSync("/proc/self/task").length;
    new BfdEnd().thread[Symbol.dispose]();
    const [descriptors, tasks] = [openDescriptors(), threads()];
    for (let round = 0; round < 20; round++) {
      const end = new BfdEnd();
      for (const remote of ["fd00::2", "fd00::3", "192.0.2.2"])
        end.open({ local: remote.includes(":") ? "fd00::1" : "192.0.2.1", remote });
      assert.equal(threads(), tasks + 2);
      end.thread[Symbol.dispose]();
      assert.throws(() => end.open({ local: "fd00::1", remote: "fd00::2" }), /disposed/);
    }
    assert.equal(openDescriptors(), descriptors);
    assert.equal(threads(), tasks);
    const left = new BfdEnd();
    left.open({ local: "fd00::1", remote: "fd00::2" });
  });
});

it("events beyond the bound are counted, not kept", (t) => {
  const namespace = pairOrSkip(t);
  if (namespace === undefined) return;
  runInside(namespace, async ({ BfdEnd }) => {
    const end = new BfdEnd({ bound: 4 });
    const session = end.open({ local: "fd00::1", remote: "fd00::2" });
    for (let i = 0; i < 10; i++) session.setAdminDown(i % 2 === 0);
    assert.equal(end.thread.dropped, 6);
    await end.until(() => end.changes.length === 4, "four are delivered");
    end.thread[Symbol.dispose]();
  });
});

it("without real-time priority nothing below 3 × 300 ms is promised", (t) => {
  const namespace = pairOrSkip(t);
  if (namespace === undefined) return;
  runInside(namespace, async ({ BfdEnd, BfdPeer }) => {
    const end = new BfdEnd({ realtime: false });
    assert.deepEqual(end.thread.priority, { realtime: false });
    const peer = await BfdPeer.open("fd00::2", "fd00::1");
    using session = end.open({
      local: "fd00::1",
      remote: "fd00::2",
      desiredMinTx: 10_000,
      requiredMinRx: 10_000,
      detectMultiplier: 1,
    });
    await peer.comeUp();
    const { desiredMinTx, requiredMinRx, detectMultiplier } = session.status;
    assert.deepEqual([desiredMinTx, requiredMinRx, detectMultiplier], [300_000, 300_000, 3]);
    const polled = await peer.next(({ poll }) => poll, "the Poll");
    assert.deepEqual([polled.desiredMinTx, polled.requiredMinRx, polled.multiplier], [300_000, 300_000, 3]);
    peer.close();
    end.thread[Symbol.dispose]();
  });
});

it("a process without CAP_SYS_NICE is told so", (t) => {
  if (whyNoNamespaces() !== undefined || spawnSync("setpriv", ["--version"]).status !== 0) {
    t.skip("skipped: capabilities are dropped by root with setpriv");
    return;
  }
  const script = `
    import { loadNative } from ${JSON.stringify(join(import.meta.dirname, "../../native/index.ts"))};
    using thread = loadNative().bfd.start({ bound: 1, change() {} });
    console.log(JSON.stringify(thread.priority));
  `;
  const node = [process.execPath, "--input-type=module-typescript", "--eval", script];
  const child = spawnSync("setpriv", ["--bounding-set=-sys_nice", ...node], { encoding: "utf8", timeout: 30_000 });
  assert.equal(child.stdout, '{"realtime":false,"reason":"EPERM"}\n', child.stderr);
});

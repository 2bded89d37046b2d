/** What must not wait for JavaScript: the word in the map, the question to the kernel, packets in time. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { it, type TestContext } from "node:test";
import { whyNoBpf } from "./bpf-lab.ts";
import { makeNamespace, runInside, whyNoNamespaces } from "./namespaces.ts";

function placeOrSkip(t: TestContext): string | undefined {
  const reason = whyNoNamespaces() ?? whyNoBpf();
  if (reason !== undefined) {
    t.skip(`skipped: ${reason}`);
    return undefined;
  }
  const namespace = makeNamespace(t);
  for (const address of ["fd00::1/128", "fd00::2/128"])
    execFileSync("ip", ["-n", namespace, "address", "add", address, "dev", "lo", "nodad"]);
  return namespace;
}

it("the bound word is written when the session fails and when it is up again, while JavaScript is busy", (t) => {
  const namespace = placeOrSkip(t);
  if (namespace === undefined) return;
  runInside(namespace, async ({ BfdEnd, BfdPeer, loadSample, bpf, member }) => {
    using object = await loadSample(bpf);
    const map = member(object.maps, "shared");
    const words: Uint32Array = new Uint32Array(map.mmap().buffer);
    const end = new BfdEnd();
    const peer = await BfdPeer.open("fd00::2", "fd00::1");
    peer.fields = { ...peer.fields, multiplier: 10 };
    using session = end.open({ local: "fd00::1", remote: "fd00::2" });
    assert.throws(() => session.bind({ map, offset: 3, down: 0 }), RangeError);
    assert.throws(() => session.bind({ map, offset: map.mmap().length, down: 0 }), RangeError);
    assert.throws(() => session.bind({ map: member(object.maps, "table"), offset: 0, down: 0 }), TypeError);
    words[2] = 7;
    session.bind({ map, offset: 8, down: 40, up: 41 });
    await peer.comeUp();
    await end.until(() => session.status.state === "Up", "Up");
    assert.equal(words[2], 41);
    peer.fallSilent();
    // Nothing of JavaScript runs for longer than the detection time: the word changes nevertheless.
    const busy = performance.now() + 1000;
    while (words.at(2) !== 40) assert.ok(performance.now() < busy, "the word was not written");
    assert.equal(end.changes.filter(({ before }) => before === "Up").length, 0, "before JavaScript knows");
    const down = await end.change(({ before }) => before === "Up");
    assert.deepEqual([down.failed, down.stored, down.peerEnded], [true, true, false]);
    // What an administrator says is no failure.
    peer.fields = { ...peer.fields, state: "Down", yours: 0 };
    peer.heard.length = 0;
    await peer.comeUp();
    await end.until(() => words[2] === 41, "up again");
    const from = end.changes.length;
    peer.fallSilent();
    await peer.send({ state: "AdminDown" });
    const calm = await end.change(({ before }) => before === "Up", from);
    assert.deepEqual([calm.failed, calm.stored, words[2]], [false, false, 41]);
    session.bind();
    peer.close();
    end.thread[Symbol.dispose]();
  });
});

it("a peer whose process ended is no failure of the path, unless its C bit is set (RFC 5882 §4.3)", (t) => {
  const namespace = placeOrSkip(t);
  if (namespace === undefined) return;
  runInside(namespace, async ({ BfdEnd, BfdPeer, loadSample, bpf, member }) => {
    const net = await import("node:net");
    const { once } = (await import("node:events")).default;
    using object = await loadSample(bpf);
    const map = member(object.maps, "shared");
    const words = new Uint32Array(map.mmap().buffer);
    const end = new BfdEnd();
    using session = end.open({ local: "fd00::1", remote: "fd00::2" });
    session.bind({ map, offset: 0, down: 40, up: 41 });
    const server = net.createServer({ pauseOnConnect: true }).listen(1790, "fd00::1");
    await once(server, "listening");
    const cases = [
      { name: "the connection stands", how: "stands", independent: false, flipped: true },
      { name: "FIN", how: "end", independent: false, flipped: false },
      { name: "RST", how: "reset", independent: false, flipped: false },
      { name: "FIN, and the C bit", how: "end", independent: true, flipped: true },
    ] as const;
    for (const { name, how, independent, flipped } of cases) {
      const accepted = once(server, "connection") as Promise<[import("node:net").Socket]>;
      const client = net.connect({ host: "fd00::1", port: 1790, localAddress: "fd00::2" });
      const [socket] = await accepted; // paused: JavaScript does not hear of its end
      client.on("error", () => {});
      socket.on("error", () => {});
      session.watch({
        local: { address: "fd00::1", port: 1790 },
        remote: { address: "fd00::2", port: socket.remotePort! },
      });
      const peer = await BfdPeer.open("fd00::2", "fd00::1");
      peer.fields = { ...peer.fields, multiplier: 6, independent };
      const from = end.changes.length;
      await peer.comeUp();
      await end.until(() => words[0] === 41 && session.status.state === "Up", "up");
      peer.fallSilent();
      if (how === "end") client.end();
      if (how === "reset") client.resetAndDestroy();
      const down = await end.change(({ before }) => before === "Up", from);
      assert.deepEqual([down.failed, down.peerEnded, words[0]], [true, !flipped, flipped ? 40 : 41], name);
      peer.close();
      client.destroy();
      socket.destroy();
    }
    session.watch();
    server.close();
    end.thread[Symbol.dispose]();
  });
});

it("30 ms × 3 between two processes: no false down while both main threads are blocked for two seconds", (t) => {
  const namespace = placeOrSkip(t);
  if (namespace === undefined) return;
  runInside(
    namespace,
    async ({ BfdEnd }, endFile) => {
      const { spawn } = await import("node:child_process");
      const { once } = (await import("node:events")).default;
      const script = `
        import { BfdEnd } from ${JSON.stringify(endFile)};
        const end = new BfdEnd();
        const session = end.open({ local: "fd00::2", remote: "fd00::1", desiredMinTx: 30_000, requiredMinRx: 30_000 });
        await end.until(() => session.status.state === "Up" && !session.status.polling, "Up");
        const until = performance.now() + 2000;
        while (performance.now() < until);
        console.log(JSON.stringify({ ...session.status, ...end.thread.priority }));
        await new Promise((resolve) => process.stdin.once("end", resolve).resume());
        end.thread[Symbol.dispose]();
      `;
      const end = new BfdEnd();
      if (!end.thread.priority.realtime) {
        end.thread[Symbol.dispose]();
        console.log("skipped: no real-time priority");
        return;
      }
      const session = end.open({ local: "fd00::1", remote: "fd00::2", desiredMinTx: 30_000, requiredMinRx: 30_000 });
      const child = spawn(process.execPath, ["--input-type=module-typescript", "--eval", script], {
        stdio: ["pipe", "pipe", "inherit"],
      });
      let text = "";
      child.stdout.setEncoding("utf8").on("data", (part: string) => {
        text += part;
      });
      await end.until(() => session.status.state === "Up" && !session.status.polling, "Up");
      const until = performance.now() + 2000;
      while (performance.now() < until);
      await end.until(() => text.includes("\n"), "the other end's answer");
      const theirs = JSON.parse(text);
      const ours = session.status;
      console.log(`latest ${ours.latest} and ${theirs.latest} microseconds, late ${ours.late} and ${theirs.late}`);
      assert.deepEqual([ours.state, theirs.state, ours.downs, theirs.downs], ["Up", "Up", 0, 0]);
      assert.ok(ours.sent > 60 && ours.received > 60, `sent ${ours.sent}, received ${ours.received}`);
      child.stdin.end();
      await once(child, "exit");
      end.thread[Symbol.dispose]();
    },
    `${import.meta.dirname}/bfd-end.ts`,
  );
});

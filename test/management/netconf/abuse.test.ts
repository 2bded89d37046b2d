import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { Duplex } from "node:stream";
import { after, afterEach, before, describe, it, type TestContext } from "node:test";
import ssh2 from "ssh2";
import { hashPassword } from "../../../src/management/index.ts";
import { PROBED, stopped, watched as watchedTurns } from "../../host/turns.ts";
import { ADDRESS, type NetconfRouter, PASSWORD, startNetconfRouter } from "./netconf-router.ts";
import { readReply } from "./oracle.ts";
import { BASE, connected, hello, RawClient, subsystem } from "./raw-client.ts";

const OPENSSH = "/usr/bin/ssh";
const MAX_LOGINS = 32;
const LOGIN_SECONDS = 5;
const MAX_SESSIONS = 70;
const PATIENCE = 60_000;
/** Connections of one source, far fewer than {@link MAX_LOGINS}. */
const AT_ONCE = 10;

const read =
  "<get-config><source><running/></source><filter><router xmlns='urn:semrd:yang:semrd-router'><name/></router></filter></get-config>";
const edit = (target: string, inner: string, options = ""): string =>
  `<edit-config><target><${target}/></target>${options}<config><router xmlns="urn:semrd:yang:semrd-router">${inner}</router></config></edit-config>`;

let router: NetconfRouter;
/** Somebody who wants to work meanwhile. */
let worker: RawClient;

before(async () => {
  router = await startNetconfRouter(
    {
      ssh: { "login-timeout": LOGIN_SECONDS, "maximum-logins": MAX_LOGINS, "maximum-attempts": 3 },
      ...{ "maximum-sessions": MAX_SESSIONS, "hello-timeout": 2, "maximum-message-size": 16 * 1024 * 1024 },
    },
    {},
    PROBED,
    await hashPassword(PASSWORD),
  );
  worker = await router.open();
});
after(async () => {
  await worker?.[Symbol.asyncDispose]();
  await router?.[Symbol.asyncDispose]();
});

/** Who did nothing wrong is answered, whatever others did. */
afterEach(async () => assert.match(await worker.rpc(read), /<name>r1<\/name>/));

const memory = (): number =>
  Number(/VmRSS:\s*(\d+) kB/.exec(readFileSync(`/proc/${router.process.child.pid}/status`, "utf8"))![1]) * 1024;

const watched = (t: TestContext, work: () => Promise<void>): Promise<void> => watchedTurns(t, router.process, work);

/** Small requests of another session, one after the other, that were answered before `work` was over. */
async function servedMeanwhile(work: Promise<unknown>): Promise<number> {
  let served = 0;
  let isOver = false;
  const over = work.finally(() => {
    isOver = true;
  });
  for (;;) {
    assert.match(await worker.rpc(read), /<name>r1<\/name>/);
    if (isOver) break;
    served++;
  }
  await over;
  return served;
}

describe("one message", () => {
  it("an XPath expression without end is stopped, and others are served", async (t) => {
    await using client = await router.open();
    const bomb = "//*[count(//*[count(//*[count(//*[count(//*) &gt; 5]) &gt; 5]) &gt; 5]) &gt; 5]";
    await watched(t, async () => {
      const asked = client.rpc(
        `<get-config><source><running/></source><filter type="xpath" select="${bomb}"/></get-config>`,
      );
      const served = await servedMeanwhile(asked);
      const [error] = readReply(await asked).errors;
      assert.ok(error !== undefined, await asked);
      t.diagnostic(`answered ${error.tag}; ${served} requests of another session were answered before`);
      assert.ok(served > 2, `${served}`); // not one that was on its way when it ended
    });
    assert.match(await client.rpc(read), /<name>r1<\/name>/);
  });

  for (const [what, text, tag] of [
    [
      "nesting of 100 000 levels",
      `<rpc xmlns="${BASE}" message-id="1">${"<a>".repeat(100_000)}${"</a>".repeat(100_000)}</rpc>`,
      "malformed-message",
    ],
    [
      "a DTD",
      `<!DOCTYPE rpc SYSTEM "file:///etc/passwd"><rpc xmlns="${BASE}" message-id="1"><get/></rpc>`,
      "malformed-message",
    ],
    [
      "entities of entities",
      `<!DOCTYPE x [<!ENTITY a "${"ha".repeat(50)}">${"bcdefgh".replaceAll(/./g, (name) => `<!ENTITY ${name} "${`&${String.fromCharCode(name.charCodeAt(0) - 1)};`.repeat(10)}">`)}]><rpc xmlns="${BASE}" message-id="1">&h;</rpc>`,
      "malformed-message",
    ],
    [
      "an entity that nobody declared",
      `<rpc xmlns="${BASE}" message-id="1"><get>&xxe;</get></rpc>`,
      "malformed-message",
    ],
    [
      "100 000 attributes",
      `<rpc xmlns="${BASE}" message-id="1"><get ${Array.from({ length: 100_000 }, (_, i) => `a${i}=""`).join(" ")}/></rpc>`,
      "",
    ],
    [
      "100 000 unknown elements",
      `<rpc xmlns="${BASE}" message-id="1">${edit("candidate", "<x/>".repeat(100_000))}</rpc>`,
      "",
    ],
  ] as const) {
    it(`${what} is answered with an error, and the session goes on`, async (t) => {
      await using client = await router.open();
      await watched(t, async () => {
        await client.message(text);
        const answer = await client.answer();
        assert.ok(answer.length < 32 * 1024 * 1024);
        const { errors } = readReply(answer);
        assert.ok(errors.length > 0, answer.slice(0, 1_000));
        if (tag !== "") assert.equal(errors[0]!.tag, tag);
      });
      assert.match(await client.rpc(read), /<name>r1<\/name>/);
    });
  }

  it("a chunk of 4 GiB, or more than the limit in small ones, ends the session and takes no memory", async (t) => {
    const was = memory();
    for (const octets of ["\n#4294967295\n<rpc", `\n#${16 * 1024 * 1024}\n${"x".repeat(16 * 1024 * 1024)}\n#1\nx`]) {
      await using client = await router.open();
      client.stream.write(octets);
      assert.equal(await client.received(), undefined);
    }
    t.diagnostic(`resident memory grew by ${((memory() - was) / 1024 / 1024).toFixed(1)} MiB`);
    assert.ok(memory() - was < 128 * 1024 * 1024);
  });

  it("a message in 40 000 packets of SSH, all of which are there at once", async (t) => {
    await using client = await router.open({ packetSize: 3 });
    assert.match(await client.rpc(read), /<name>r1<\/name>/); // nothing that has a timeout waits in the stopped router
    await watched(t, async () => {
      await stopped(router.process, () => client.send(edit("candidate", `<name>${" ".repeat(120_000)}</name>`)));
      assert.equal(readReply(await client.answer()).errors[0]?.tag, "invalid-value");
    });
  });

  it("a large message in chunks of one octet", async (t) => {
    await using client = await router.open({ pieceSize: 1 });
    await watched(t, async () => {
      const reply = await client.rpc(edit("candidate", `<name>${" ".repeat(200_000)}</name>`));
      assert.equal(readReply(reply).errors[0]?.tag, "invalid-value");
    });
  });
});

describe("connections", () => {
  for (const [what, source] of [
    ["one source", () => ADDRESS],
    ["many sources", (i: number) => `127.${1 + (process.pid % 60)}.${1 + (i >> 7)}.${1 + (i & 127)}`],
  ] as const) {
    it(`1 000 silent ones from ${what}: few stay, and not for long`, async (t) => {
      const open = new Set<Socket>();
      /** Those that SSH was spoken to, which are the ones that were let in. */
      const greeted = new Set<Socket>();
      let most = 0;
      const gone = new EventEmitter();
      await watched(t, async () => {
        for (let i = 0; i < 1_000; i++) {
          const socket = connect({ host: ADDRESS, port: 830, localAddress: source(i) });
          open.add(socket);
          socket.on("error", () => undefined);
          socket.once("data", () => {
            greeted.add(socket);
            most = Math.max(most, greeted.size);
            socket.resume();
          });
          socket.once("close", () => {
            open.delete(socket);
            greeted.delete(socket);
            gone.emit("one");
          });
          if (i % 100 === 99) assert.match(await worker.rpc(read), /r1/);
        }
        const fewerThan = async (most: number): Promise<void> => {
          while (open.size > most) await once(gone, "one", { signal: AbortSignal.timeout(PATIENCE) });
        };
        await fewerThan(MAX_LOGINS);
        t.diagnostic(`${most} were let in at once, ${open.size} are left`);
        // One may be seen to come before the one whose place it has is seen to go.
        assert.ok(most > 0 && most <= 2 * MAX_LOGINS, `${most} were let in at once`);
        // The others go when the time for a login is over.
        await fewerThan(0);
      });
      // Of another source than that one, which has used up what it may.
      const sock = connect({ host: ADDRESS, port: 830, localAddress: "127.0.0.1" });
      const client = new ssh2.Client();
      client.connect({ sock, username: "admin", privateKey: router.login.privateKey! });
      await once(client, "ready");
      client.end();
    });
  }

  it("one source that comes and goes is let in so often and no more, and others are", async (t) => {
    const from = async (localAddress: string): Promise<boolean> => {
      const socket = connect({ host: ADDRESS, port: 830, localAddress });
      socket.on("error", () => undefined);
      const [isLetIn] = await Promise.race([
        once(socket, "data").then(() => [true]),
        once(socket, "close").then(() => [false]),
      ]);
      socket.destroy();
      return isLetIn!;
    };
    // Until some are not: on a busy machine one after the other may come no faster than they are let in.
    const began = performance.now();
    let [letIn, tries] = [0, 0];
    while (tries < 300 || letIn === tries) {
      assert.ok(performance.now() - began < PATIENCE, `all of ${tries} were let in`);
      const all = await Promise.all(Array.from({ length: AT_ONCE }, () => from("127.0.0.6")));
      tries += all.length;
      letIn += all.filter((isLetIn) => isLetIn).length;
    }
    const seconds = (performance.now() - began) / 1000;
    t.diagnostic(`${letIn} of ${tries} in ${seconds.toFixed(2)} s`);
    assert.ok(letIn >= 60 && letIn <= 61 + 20 * seconds, `${letIn} in ${seconds} s`);
    assert.ok(await from("127.0.0.7"));
  });

  it("wrong passwords end the connection after three, and keep nobody else waiting", async (t) => {
    const tries = Array.from({ length: 4 }, async () => {
      let attempts = 0;
      const began = performance.now();
      const client = new ssh2.Client();
      const over = once(client, "close");
      client.on("error", () => undefined);
      client.connect({
        ...{ host: ADDRESS, port: 830, username: "admin", localAddress: "127.0.0.2" },
        authHandler: (_, __, next) => {
          attempts++;
          next({ type: "password", username: "admin", password: `${PASSWORD} ${attempts}` });
        },
      });
      await over;
      return { attempts, lasted: performance.now() - began };
    });
    await watched(t, async () => {
      const served = await servedMeanwhile(Promise.all(tries));
      t.diagnostic(`${served} requests of another session were answered before`);
      assert.ok(served > 2, `${served}`);
    });
    // A login has its time besides, in which a busy machine may not have come to the third.
    for (const { attempts, lasted } of await Promise.all(tries))
      assert.ok((attempts >= 3 || lasted >= LOGIN_SECONDS * 1_000) && attempts <= 4, `${attempts} in ${lasted} ms`);
  });

  it("a client without a hello is gone in time", async () => {
    const client = await connected({ ...router.login, localAddress: "127.0.0.3" } as never);
    const stream = await subsystem(client);
    stream.resume();
    await once(stream, "close", { signal: AbortSignal.timeout(PATIENCE) });
    client.end();
  });

  it("keys are exchanged anew in the middle of a session, by OpenSSH, which asks for a terminal", async (t) => {
    if (!existsSync(OPENSSH)) return t.skip(`skipped: there is no ${OPENSSH} (apt-get install openssh-client)`);
    const options = [
      "StrictHostKeyChecking=no",
      "UserKnownHostsFile=/dev/null",
      "RekeyLimit=16K",
      "IdentitiesOnly=yes",
    ];
    const how = [
      "-F",
      "none",
      "-tt",
      "-v",
      "-i",
      router.keyFile,
      "-p",
      "830",
      ...options.flatMap((option) => ["-o", option]),
    ];
    const child = spawn(OPENSSH, [...how, `admin@${ADDRESS}`, "-s", "netconf"], { stdio: ["pipe", "pipe", "pipe"] });
    t.after(() => child.kill("SIGKILL"));
    let said = "";
    child.stderr.setEncoding("utf8").on("data", (text) => (said += text));
    const stream = Duplex.from({ readable: child.stdout, writable: child.stdin });
    await using client = await RawClient.on(stream, () => child.kill("SIGTERM"));
    for (let round = 0; round < 40; round++) {
      assert.match(await client.rpc("<get-config><source><running/></source></get-config>"), /<name>r1<\/name>/);
    }
    const exchanges = said.match(/SSH2_MSG_NEWKEYS received/g)?.length ?? 0;
    assert.ok(exchanges > 2, `${exchanges} exchanges`);
  });

  it("what a client held is free as soon as its connection breaks", async () => {
    for (let round = 0; round < 3; round++) {
      const sock = connect({ host: ADDRESS, port: 830, localAddress: "127.0.0.4" });
      const client = new ssh2.Client();
      client.on("error", () => undefined);
      client.connect({ sock, username: "admin", privateKey: router.login.privateKey! });
      await once(client, "ready");
      const held = await RawClient.on(await subsystem(client), () => undefined);
      assert.ok(readReply(await held.rpc("<lock><target><running/></target></lock>")).ok);
      await held.send(edit("candidate", "<name>half</name>"));
      sock.resetAndDestroy();
      const began = performance.now();
      while (!readReply(await worker.rpc("<lock><target><running/></target></lock>")).ok) {
        assert.ok(performance.now() - began < PATIENCE, "the lock is still held");
      }
      assert.ok(readReply(await worker.rpc("<unlock><target><running/></target></unlock>")).ok);
    }
    await worker.rpc("<discard-changes/>");
  });
});

const agent = (i: number): string =>
  `<agent><id>spiffe://example.net/acme/agent/a${i}</id><tenant>acme</tenant><capability><name>/vision/ocr</name><major-version>1</major-version><address>fd00:a::${(i + 1).toString(16)}</address><port>80</port></capability></agent>`;

describe("load", () => {
  it("slow readers of a large configuration wait, and hold it once each", async (t) => {
    t.after(() => worker.rpc("<discard-changes/>"));
    const agents = Array.from({ length: 10_000 }, (_, i) => agent(i)).join("");
    const set = edit(
      "candidate",
      `<agents xmlns="urn:semrd:yang:semrd-agent">${agents}</agents>`,
      "<test-option>set</test-option>",
    );
    assert.ok(readReply(await worker.rpc(set)).ok);
    const all = "<get-config><source><candidate/></source></get-config>";
    const size = (await worker.rpc(all)).length;
    // Their message ids are not of the same length.
    const isWhole = (answer: string): boolean => Math.abs(answer.length - size) < 8 && answer.endsWith("</rpc-reply>");
    const readers = await Promise.all(Array.from({ length: 8 }, () => router.open()));
    const was = memory();
    await watched(t, async () => {
      for (const reader of readers) {
        reader.stream.pause();
        await reader.send(all);
      }
      // Answered one after the other on one thread: when this one is, the others were.
      assert.ok(isWhole(await worker.rpc(all)));
      assert.match(await worker.rpc(read), /<name>r1<\/name>/);
    }); // of so few turns, 1 % is the longest one
    const each = (memory() - was) / readers.length / size;
    t.diagnostic(
      `${(size / 1e6).toFixed(1)} MB each; resident memory grew by ${each.toFixed(1)} times that for each of ${readers.length}`,
    );
    assert.ok(each < 4, `${each} times`);
    for (const reader of readers) {
      reader.stream.resume();
      assert.ok(isWhole(await reader.answer()));
      await reader[Symbol.asyncDispose]();
    }
  });

  it("50 sessions that lock, edit and commit: every change is there, and none twice", async (t) => {
    const clients: RawClient[] = [];
    for (let i = 0; i < 50; i++) {
      const sock = connect({ host: ADDRESS, port: 830, localAddress: `127.0.1.${i + 1}`, noDelay: true });
      const client = new ssh2.Client();
      client.connect({ sock, username: "admin", privateKey: router.login.privateKey! });
      await once(client, "ready");
      clients.push(await RawClient.on(await subsystem(client), () => client.end()));
    }
    let denied = 0;
    let released = Promise.withResolvers<void>();
    await watched(t, async () => {
      const one = async (client: RawClient, i: number): Promise<void> => {
        const isHasty = i % 10 === 0; // asks again at once, all the time
        const began = performance.now();
        for (;;) {
          assert.ok(performance.now() - began < PATIENCE, "nobody gets the lock");
          const unlocked = released.promise;
          const { ok, errors } = readReply(await client.rpc("<lock><target><candidate/></target></lock>"));
          if (ok) break;
          assert.equal(errors[0]!.tag, "lock-denied");
          denied++;
          if (!isHasty) await unlocked;
        }
        const added = edit("candidate", `<agents xmlns="urn:semrd:yang:semrd-agent">${agent(i)}</agents>`);
        for (const rpc of [added, "<commit/>", "<unlock><target><candidate/></target></unlock>"]) {
          const answer = await client.rpc(rpc);
          assert.ok(readReply(answer).ok, answer);
        }
        released.resolve();
        released = Promise.withResolvers();
      };
      await Promise.all(clients.map(one));
    });
    t.diagnostic(`locks denied: ${denied}`);
    const running = await worker.rpc("<get-config><source><running/></source></get-config>");
    const ids = [...running.matchAll(/<id>[^<]*\/(a\d+)<\/id>/g)].map(([, id]) => id);
    assert.deepEqual(ids.toSorted(), clients.map((_, i) => `a${i}`).toSorted());
    for (const client of clients) await client[Symbol.asyncDispose]();
  });

  it("sessions beyond the limit are refused, and there is room again afterwards", async () => {
    const client = await connected({ ...router.login, localAddress: "127.0.0.5" } as never);
    const more: ssh2.Client[] = [client];
    let opened = 1; // the worker
    let refused = false;
    for (let i = 0; i < MAX_SESSIONS && !refused; i++) {
      // One connection carries a few sessions.
      if (i % 10 === 9) more.push(await connected({ ...router.login, localAddress: "127.0.0.5" } as never));
      try {
        const session = (await subsystem(more.at(-1)!)).resume();
        // So that it stays: one that says nothing is gone when the time for a hello is over
        session.write(`${hello(["1.1"])}]]>]]>`);
        opened++;
      } catch {
        refused = true;
      }
    }
    assert.ok(refused && opened <= MAX_SESSIONS, `${opened} sessions`);
    const closed = more.map((one) => once(one, "close"));
    for (const one of more) one.end();
    await Promise.all(closed);
    await using again = await router.open();
    assert.match(await again.rpc(read), /<name>r1<\/name>/);
  });
});

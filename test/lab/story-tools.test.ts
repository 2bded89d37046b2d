import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, describe, it, type TestContext } from "node:test";
import { Capture, type CapturedPacket, parsePacket } from "../../lab/quickstart/story/capture.ts";
import { StoryError, waitFor } from "../../lab/quickstart/story/check.ts";
import { inkFor, Narrator, pictureOf, WIDTH } from "../../lab/quickstart/story/index.ts";
import { Asker, countByAgent, request, requestMany, succeeded } from "../../lab/quickstart/story/requests.ts";
import { deployLab } from "../../lab/runner/index.ts";
import { leftovers, whyNoNamespaces } from "./namespaces.ts";

const skip = whyNoNamespaces();
const folder = mkdtempSync(path.join(tmpdir(), "st-lab-tools-"));
after(() => rmSync(folder, { recursive: true }));

const QUICKSTART = path.join(import.meta.dirname, "../../lab/quickstart");

/** Others may run these tests meanwhile. */
const nameOf = (lab: string): string => `st-lab-${lab}-${process.pid}`;

/** A client and one supervised agent, with nothing between them; gone with the test, also with one that takes too long. */
async function deployPair(t: TestContext, lab: string) {
  const name = nameOf(lab);
  const file = path.join(folder, `${name}.clab.yml`);
  writeFileSync(
    file,
    `name: ${name}
topology:
  defaults: { sysctls: { net.ipv6.conf.default.accept_dad: 0 } }
  nodes:
    client:
      exec:
        - ip address add fd00:1::a/64 dev eth1 nodad
        - sh -c 'echo fd00:1::b agent >> /etc/hosts'
    agent:
      cmd: ${QUICKSTART}/supervise.sh ${process.execPath} ${QUICKSTART}/agents/exec-http.mjs --name alone -- cat
      env: { RESTART_DELAY: "0.1" }
      exec: [ip address add fd00:1::b/64 dev eth1 nodad, touch /run/configured]
      healthcheck: { test: [CMD, curl, --silent, --fail, "http://[::1]:8080/healthz"], start-period: 20, interval: 1 }
  links: [{ endpoints: ["client:eth1", "agent:eth1"] }]
`,
  );
  const deployed = await deployLab(file, {}, t.signal);
  t.after(() => deployed[Symbol.asyncDispose]());
  await deployed.healthy("agent");
  return deployed;
}

const URL = "http://agent:8080/";

const isRequest = ({ line }: CapturedPacket): boolean => /\.8080[ :]/.test(line);

/** Sends datagrams that nobody asked for, in bursts, until it is killed. */
const NOISE = `
  const socket = require("node:dgram").createSocket("udp6");
  setInterval(() => { for (let one = 0; one < 20; one++) socket.send("noise", 9, "fd00:1::b"); }, 1);
  process.stdout.write("sending");
`;

/** What was stopped in a node goes on: nsenter(1), which carries it there, stops with it and goes on with it. */
function goOn(): void {
  const children = readFileSync(`/proc/self/task/${process.pid}/children`, "utf8").trim().split(" ");
  for (const pid of children) process.kill(Number(pid), "SIGCONT");
}

describe("the tools of the story", { skip }, () => {
  it("requests tell who answered, and what went wrong", async (t) => {
    await using lab = await deployPair(t, "ask");
    const one = await request(lab, "client", ["--data-binary", "hello", URL]);
    assert.deepEqual(
      [one.status, one.agent, one.remote, one.body, one.error],
      [200, "alone", "fd00:1::b", "hello", undefined],
    );
    const missing = await request(lab, "client", [`${URL}nothing`]);
    assert.deepEqual([missing.status, succeeded(missing)], [404, false]);
    const refused = await request(lab, "client", ["http://agent:9/"]);
    assert.deepEqual([refused.status, succeeded(refused)], [0, false]);
    assert.match(refused.error!, /connect/i);

    const many = await requestMany(lab, "client", URL, 30, 4);
    assert.deepEqual([...countByAgent(many)], [["alone", 30]]);
  });

  it("an asker sees an agent die, and come back; supervise.sh holds it meanwhile", async (t) => {
    await using lab = await deployPair(t, "asker");
    const signal = AbortSignal.timeout(20_000);
    const say = (line: string) => lab.exec("agent", ["sh", "-c", line]);
    await using asker = new Asker(lab, "client", URL);
    assert.ok((await asker.more(5, signal)).every(succeeded));
    await say("touch /run/hold; kill -9 $(cat /run/supervised.pid)");
    assert.ok((await asker.more(5, signal)).every((answer) => !succeeded(answer)));
    await say("rm /run/hold");
    await waitFor("it is back", {
      within: 10_000,
      signal,
      look: async () => ((await asker.more(1, signal)).some(succeeded) ? true : undefined),
    });
    assert.ok((await asker.more(5, signal)).every(succeeded));
  });

  it("an asker that has ended says so to whoever waits for its answers", { timeout: 60_000 }, async (t) => {
    await using lab = await deployPair(t, "ended");
    await using asker = new Asker(lab, "client", URL);
    const { signal } = new AbortController();
    await asker.more(1, signal);
    const waiting = asker.more(1_000_000, signal);
    const told = assert.rejects(waiting, /1000000 more answers\nseen: .*it ended with code 137/);
    assert.equal((await lab.exec("client", ["pkill", "-KILL", "-x", "sh"])).code, 0);
    await told;
    await assert.rejects(asker.more(1, signal), /it ended with code 137/);
  });

  it("a capture has every packet of a request", async (t) => {
    const lab = await deployPair(t, "capture");
    try {
      await using capture = await Capture.start(lab, "agent", "eth1", isRequest);
      assert.equal((await request(lab, "client", [URL])).status, 200);
      const packets = await capture.stop();
      assert.ok(packets.length >= 8, `${packets.length} packets`);
      const ends = packets.map((packet) => [packet.source, packet.destination].sort().join(" "));
      assert.deepEqual([...new Set(ends)], ["fd00:1::a fd00:1::b"]);

      // Also when tcpdump has had no turn since, and is told to end: what it has not read is still in the kernel.
      await using late = await Capture.start(lab, "agent", "eth1", isRequest);
      const say = async (line: string) => (await lab.exec("agent", ["sh", "-c", line])).stdout;
      await say("pkill -STOP -x tcpdump");
      assert.equal((await request(lab, "client", [URL])).status, 200);
      const stopping = late.stop();
      const signalled = "while grep -q 'ShdPnd:.*0000000000000000' /proc/$(pgrep -x tcpdump)/status; do :; done";
      await say(signalled);
      goOn();
      assert.ok((await stopping).length >= 8, `${late.packets.length} packets`);
      await assert.rejects(Capture.start(lab, "agent", "no-such-device"), /tcpdump on agent ended/);
    } finally {
      await lab[Symbol.asyncDispose]();
    }
    assert.deepEqual(leftovers(nameOf("capture")), []);
  });
});

describe("a capture beside other traffic", { skip }, () => {
  it("ends, with the packets that are wanted", { timeout: 120_000 }, async (t) => {
    await using lab = await deployPair(t, "beside");
    await using noise = lab.spawn("client", [process.execPath, "-e", NOISE]);
    await once(noise.stdout, "data");
    const captures: Capture[] = [];
    // Each begins in the middle of it: packets come for it before it has said what it wants.
    for (let one = 0; one < 4; one++) captures.push(await Capture.start(lab, "agent", "eth1", isRequest));
    assert.equal((await request(lab, "client", [URL])).status, 200);
    await noise[Symbol.asyncDispose]();
    for (const capture of captures) {
      const packets = await capture.stop();
      assert.ok(packets.length >= 8, `${packets.length} packets`);
      assert.deepEqual(
        packets.filter((packet) => !isRequest(packet)),
        [],
      );
    }
  });
});

describe("lines of tcpdump", () => {
  const VECTORS = [
    {
      name: "TCP inside a tunnel",
      line: "IP6 fd00:ffff::1 > fd00:ffff::2: IP6 fd00:c::2.43210 > fd5e:3d00:1:1:1:a:b:0.80: tcp 0",
      want: {
        source: "fd00:ffff::1",
        destination: "fd00:ffff::2",
        inner: { source: "fd00:c::2", destination: "fd5e:3d00:1:1:1:a:b:0" },
      },
    },
    {
      name: "TCP without a tunnel",
      line: "IP6 fd5e:3d00:1:1:1:a:b:0.80 > fd00:c::2.43210: tcp 1200",
      want: { source: "fd5e:3d00:1:1:1:a:b:0", destination: "fd00:c::2" },
    },
    {
      name: "ICMPv6",
      line: "IP6 fe80::1 > ff02::1: ICMP6, neighbor solicitation, who has fd00::1, length 32",
      want: { source: "fe80::1", destination: "ff02::1" },
    },
  ];
  for (const { name, line, want } of VECTORS) it(name, () => assert.deepEqual(parsePacket(line), { line, ...want }));
  it("others are none", () => assert.equal(parsePacket("ARP, Request who-has 10.0.0.1"), undefined));
});

it("waiting that takes too long says what was expected and seen", async () => {
  const signal = AbortSignal.timeout(5_000);
  const waiting = waitFor("the sun", {
    within: 20,
    every: 5,
    signal,
    seen: () => "clouds",
    look: async () => undefined,
  });
  await assert.rejects(
    waiting,
    (error) => error instanceof StoryError && error.seen === "clouds" && /the sun/.test(error.message),
  );
});

it("nothing that is printed is wider than the terminal", () => {
  const lines: string[] = [];
  const narrator = new Narrator(inkFor(false), (text) => lines.push(...text.split("\n")));
  narrator.heading("x".repeat(40), 1);
  narrator.fact("word ".repeat(60), 123);
  narrator.quote(["y".repeat(300)]);
  narrator.table([
    ["a", "b"],
    ["1", "z".repeat(300)],
  ]);
  narrator.failure(new Error("word ".repeat(60)));
  const traffic = { served: new Map([["ocr-a", 1_234_567]]), tunnelled: new Map([["fd00:ffff::2", 123_456_789]]) };
  lines.push(...pictureOf(traffic, inkFor(false)));
  for (const line of lines) assert.ok(line.length <= WIDTH, `${line.length}: ${line}`);
});

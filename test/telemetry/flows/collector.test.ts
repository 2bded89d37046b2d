import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, it } from "node:test";
import { setTimeout as elapsed } from "node:timers/promises";
import { promisify } from "node:util";
import { milliseconds, parseIpv6, Writer } from "../../../src/base/index.ts";
import { systemClock } from "../../../src/host/index.ts";
import { Collector, type FlowRecord, IpfixWriter } from "../../../src/telemetry/index.ts";
import { TSHARK } from "../../bgp/bmp/capture.ts";

const run = promisify(execFile);
const SILENT = { error() {}, warn() {}, info() {}, debug() {} };
/** Octets of each record of this test, whose names are all of one length. */
const RECORD = 200;
const START = Date.UTC(2026, 10, 20, 9, 0, 0);

function record(i: number, more: Partial<FlowRecord> = {}): FlowRecord {
  return {
    ...{ at: milliseconds(START + i), until: milliseconds(START + i + 1500), reason: "closed" },
    ...{ client: parseIpv6("fd00:c::10")!, clientPort: 40_000 + i, address: parseIpv6("fd5e::80:1")!, port: 80 },
    ...{ protocol: 6, interface: 7, length: 60, verdict: "delivered", interval: 1 },
    ...{ tenantIndex: 1, tenant: "acme", capability: "/vision/ocr" },
    instance: { agent: "spiffe://example.net/acme/agent/ocr-a", address: parseIpv6("fd00:a::10")!, port: 8080 },
    ...{ packets: 10 + i, octets: 1000n, packetsBack: 20, octetsBack: 70_000n },
    ...more,
  };
}

/** Datagrams as a capture. */
function capture(datagrams: readonly Uint8Array[], port: number): Uint8Array {
  const out = new Writer(1024 + datagrams.reduce((sum, { length }) => sum + length + 44, 0));
  out.u32(0xa1b2c3d4).u16(2).u16(4).u32(0).u32(0).u32(65535).u32(101);
  for (const octets of datagrams) {
    const length = 28 + octets.length;
    out.u32(0).u32(0).u32(length).u32(length);
    out.u8(0x45).u8(0).u16(length).u32(0).u8(64).u8(17).u16(0).u32(0x0a000001).u32(0x0a000002);
    out
      .u16(5000)
      .u16(port)
      .u16(8 + octets.length)
      .u16(0)
      .bytes(octets);
  }
  return out.finish();
}

async function bound(): Promise<{ readonly socket: Socket; readonly port: number }> {
  const socket = createSocket("udp4");
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return { socket, port: socket.address().port };
}

/** Looks every 50 ms, so many times that it takes ten seconds where looking takes no time. */
async function until(what: () => string, holds: () => boolean): Promise<void> {
  for (let looks = 0; !holds(); looks++) {
    assert.ok(looks < 200, `not after ${looks} looks: ${what()}`);
    await elapsed(50);
  }
}

/** Octets that wait for whoever has bound UDP port `port` of IPv4. @see proc_net_udp(5) */
function queueOf(port: number): number {
  const local = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const rows = readFileSync("/proc/net/udp", "utf8")
    .split("\n")
    .map((row) => row.trim().split(/\s+/));
  const [row, ...more] = rows.filter(([, address]) => address?.endsWith(local));
  assert.ok(row !== undefined && more.length === 0, `nobody, or more than one, has UDP port ${port}`);
  return Number.parseInt(row[4]!.split(":")[1]!, 16);
}

describe("flow records in IPFIX", () => {
  it("messages stay within their limit, count their records, and say the template first", () => {
    const messages: Uint8Array[] = [];
    const writer = new IpfixWriter(7, 1232, (message) => messages.push(message));
    writer.template(START);
    for (let i = 0; i < 100; i++) writer.add(record(i), START);
    writer.flush(START);
    writer.flush(START);
    let records = 0;
    for (const [i, message] of messages.entries()) {
      const view = new DataView(message.buffer, message.byteOffset, message.length);
      assert.ok(message.length <= 1232);
      assert.deepEqual([view.getUint16(0), view.getUint16(2), view.getUint32(12)], [10, message.length, 7]);
      assert.equal(view.getUint32(8), records, "the sequence number counts data records that went before");
      let at = 16;
      assert.equal(view.getUint16(at), i === 0 ? 2 : 256);
      while (at < message.length) {
        const [set, size] = [view.getUint16(at), view.getUint16(at + 2)];
        if (set === 256) records += (size - 4) / RECORD;
        at += size;
      }
      assert.equal(at, message.length);
    }
    assert.equal(records, 100);
  });

  it("a name of any length fits", () => {
    const messages: Uint8Array[] = [];
    const writer = new IpfixWriter(7, 1232, (message) => messages.push(message));
    const agent = "ä".repeat(300);
    writer.add(record(0, { instance: { agent, address: parseIpv6("fd00:a::10")!, port: 1 } }), START);
    writer.flush(START);
    assert.ok(messages[0]!.length <= 1232);
  });

  it("tshark reads them", async (t) => {
    if (!existsSync(TSHARK)) return t.skip("skipped: tshark is missing (Debian: tshark)");
    const datagrams: Uint8Array[] = [];
    const writer = new IpfixWriter(7, 1232, (message) => datagrams.push(message));
    writer.template(START);
    const site = { locator: parseIpv6("fd00:ffff::2")! };
    const { instance: _none, ...elsewhere } = record(1, { reason: "begun", verdict: "encapsulated", site });
    for (const one of [record(0, { tag: 77 }), elsewhere, record(2, { reason: "refused", verdict: "reject-tenant" })])
      writer.add(one, START);
    writer.flush(START);
    const folder = await mkdtemp(path.join(tmpdir(), "semrd-ipfix-"));
    try {
      const file = path.join(folder, "flows.pcap");
      await writeFile(file, capture(datagrams, 4739));
      const { stdout } = await run(TSHARK, ["-r", file, "-d", "udp.port==4739,cflow", "-V"]);
      const { stdout: wrong } = await run(TSHARK, [
        "-r",
        file,
        "-d",
        "udp.port==4739,cflow",
        "-Y",
        "_ws.malformed || _ws.expert.severity >= 8388608",
      ]);
      assert.equal(wrong, "");
      for (const said of [
        /SrcAddr: fd00:c::10/,
        /DstPort: 80/,
        /Packets: 12/,
        /Selector ?I[dD]: 77/i,
        /Selector ?I[dD]: 0\b/i,
        /NextHop: fd00:ffff::2/,
        /Post NAT Destination IPv6 Address: fd00:a::10/i,
        /VRFname: acme|VRF ?Name: acme/i,
        /\/vision\/ocr/,
        /spiffe:\/\/example\.net\/acme\/agent\/ocr-a/,
        /Drop/,
      ])
        assert.match(stdout, said);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it("nfcapd takes them from a collector, and nfdump says what we said", async (t) => {
    if (!existsSync("/usr/bin/nfcapd")) return t.skip("skipped: nfcapd is missing (Debian: nfdump)");
    const folder = await mkdtemp(path.join(tmpdir(), "semrd-nfcapd-"));
    const { socket, port } = await bound();
    socket.close();
    await once(socket, "close");
    const nfcapd = spawn("/usr/bin/nfcapd", ["-b", "127.0.0.1", "-p", String(port), "-w", folder, "-t", "60"], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    try {
      let said = "";
      nfcapd.stderr.setEncoding("utf8").on("data", (text: string) => {
        said += text;
      });
      await until(
        () => `nfcapd starts: ${said}`,
        () => /Startup/i.test(said),
      );
      const options = { name: "nf", address: "127.0.0.1", port, observationDomain: 7 };
      const collector = new Collector(options, { clock: systemClock, log: SILENT });
      let messages = 0;
      const counted = new IpfixWriter(7, 1232, () => messages++);
      counted.template(START);
      for (let i = 0; i < 25; i++) {
        collector.add(record(i));
        counted.add(record(i), START);
      }
      counted.flush(START);
      collector[Symbol.dispose]();
      // What was sent is in the queue of nfcapd's socket, and gone from there when it was read.
      await until(
        () =>
          `nfcapd reads: of ${messages} messages ${collector.state.messages} were sent, ${queueOf(port)} octets wait`,
        () => collector.state.messages === messages && queueOf(port) === 0,
      );
      assert.deepEqual([collector.state.records, collector.state.failures], [25, 0]);
      nfcapd.kill("SIGTERM");
      await once(nfcapd, "exit");
      const files = (await readdir(folder)).filter((name) => name.startsWith("nfcapd"));
      const { stdout } = await run("/usr/bin/nfdump", [
        "-q",
        "-R",
        folder,
        "-o",
        "fmt:%sa|%sp|%da|%dp|%pr|%pkt|%byt|%nda|%ndp",
      ]);
      const rows = stdout
        .trim()
        .split("\n")
        .map((line) => line.split("|").map((cell) => cell.trim()));
      assert.ok(files.length > 0);
      assert.equal(rows.length, 25, `${said}\n${stdout}`);
      const [first] = rows.filter(([, from]) => from === "40000");
      assert.deepEqual(first!.slice(0, 4), ["fd00:c::10", "40000", "fd5e::80:1", "80"]);
      assert.deepEqual(first!.slice(4, 7), ["TCP", "10", "1000"]);
    } finally {
      nfcapd.kill("SIGKILL");
      await rm(folder, { recursive: true });
    }
  });

  it("a collector that is not there costs nothing but a counter", async () => {
    const { socket, port } = await bound();
    socket.close();
    await once(socket, "close");
    const options = { name: "gone", address: "no-such-host.invalid", port, observationDomain: 7 };
    using collector = new Collector(options, { clock: systemClock, log: SILENT });
    collector.add(record(0));
    await until(
      () => "the name is looked up",
      () => collector.state.failures > 0,
    );
    assert.equal(collector.state.failures, 1);
    assert.match(collector.state.lastError!, /no-such-host/);
  });
});

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { describe, it } from "node:test";
import { loadNative } from "../../../native/index.ts";
import { fromHex } from "../../../src/base/index.ts";
import { PORT_FLAG } from "../../../src/dataplane/abi.ts";
import { type Bench, HOOKS } from "./bench.ts";
import { ECHO } from "./cases.ts";
import { icmp, readIpv6 } from "./frames.ts";
import { insideNamespace, WORLD } from "./inside.ts";
import { CAP, CLIENT, makeWorld, OTHER, segment, TENANT } from "./world.ts";

/** The port under test, and the far end of its link; what goes to other routers comes out at the third. */
const [PORT, FAR, BEYOND] = ["st-dp-in", "st-dp-far", "st-dp-peer"];
const PYTHON = "/usr/bin/python3";
const MACS = fromHex("02000000b101" + "02000000b102");

/** Sends frames (argv 2 on) into the interface argv[1], and says what comes out at it and at others (after `--`) until `count` did. */
const EXCHANGE = `
import json, select, socket, struct, sys, time
count, sender, rest = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
frames, others = rest[:rest.index("--")], rest[rest.index("--") + 1:]
sockets = {}
for name in [sender] + others:
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    s.setsockopt(263, 8, 1)  # PACKET_AUXDATA: tags lie beside the frame
    s.bind((name, 3))
    sockets[s] = name
    if name == sender: out = s
for frame in frames: out.send(bytes.fromhex(frame))
found, deadline = [], time.monotonic() + 10
while len(found) < count and time.monotonic() < deadline:
    for s in select.select(list(sockets), [], [], 0.2)[0]:
        frame, aside, _, (_, _, kind, *_) = s.recvmsg(65536, 256)
        if kind == 4: continue
        for _, _, data in aside:
            status, _, _, _, _, tci, tpid = struct.unpack("IIIHHHH", data)
            if status & 0x10: frame = frame[:12] + struct.pack("!HH", tpid if status & 0x40 else 0x8100, tci) + frame[12:]
        if b"\\x86\\xdd" in frame[12:22] and frame[:2] != b"\\x33\\x33": found.append([sockets[s], frame.hex()])
print(json.dumps(found))
`;

interface Arrival {
  readonly at: string;
  /** Types and numbers of its tags, the outermost first. */
  readonly tags: readonly string[];
  readonly packet: Uint8Array;
}

function exchange(count: number, ...frames: readonly Uint8Array[]): readonly Arrival[] {
  const words = ["-c", EXCHANGE, String(count), FAR!, ...frames.map((frame) => Buffer.from(frame).toString("hex"))];
  const said = execFileSync(PYTHON, [...words, "--", BEYOND!], { encoding: "utf8" });
  return (JSON.parse(said) as [string, string][]).map(([at, hex]) => {
    const frame = fromHex(hex);
    const tags: string[] = [];
    let from = 12;
    for (; frame[from] !== 0x86; from += 4) tags.push(Buffer.from(frame.subarray(from, from + 4)).toString("hex"));
    return { at, tags, packet: frame.subarray(from + 2) };
  });
}

/** Tags as in a frame: `8100` and the number. */
const tagged = (packet: Uint8Array, ...tags: readonly string[]): Uint8Array =>
  Buffer.concat([MACS, fromHex(`${tags.join("")}86dd`), packet]);

const request = (mark: number) =>
  icmp({ source: CLIENT, destination: CAP.local }, 128, 0, Uint8Array.of(...ECHO.slice(0, 4), mark));

insideNamespace(import.meta.filename, () => {
  if (spawnSync(PYTHON, ["-V"]).error) {
    it("VLAN tags", (t) => t.skip("skipped: python3 is not installed"));
    return;
  }
  const ip = (words: string) => execFileSync("ip", words.split(" "));
  ip(`link add ${PORT} type veth peer name ${FAR}`);
  execFileSync("sysctl", ["-qw", `net.ipv6.conf.${FAR}.disable_ipv6=1`, `net.ipv6.conf.${BEYOND}.disable_ipv6=1`]);
  ip(`link set ${FAR} up`);
  ip(`link set ${PORT} address 02:00:00:00:b1:01 up`);
  const { bpf, sock } = loadNative();
  const [port, far, beyond] = [PORT, FAR, BEYOND].map((name) => sock.interfaceIndex(name!)!) as [
    number,
    number,
    number,
  ];

  for (const hook of HOOKS)
    describe(`frames with VLAN tags in ${hook}`, () => {
      const with_ = async (run: (bench: Bench, accept: (is: boolean) => void) => void) => {
        using bench = await makeWorld();
        const flags = hook === "xdp" ? PORT_FLAG.direct : 0;
        bench.port(sock.interfaceIndex(WORLD.towards)!, "core", 0, flags);
        // XDP frames reach only who has a program, too; these are no ports, so that it lets everything pass
        const programs =
          hook === "xdp"
            ? [port, far, beyond].map((ifindex) => bpf.attachXdp(bench.program("xdp"), ifindex, "native"))
            : [bpf.attachTc(bench.program("tc"), port)];
        try {
          run(bench, (is) => bench.port(port, "client", TENANT, flags | (is ? PORT_FLAG.vlans : 0)));
        } finally {
          for (const program of programs) program[Symbol.dispose]();
        }
      };

      it("are the stack's, untouched, where the port does not take them", () =>
        with_((bench, accept) => {
          accept(false);
          const before = bench.verdicts();
          const [answer, ...more] = exchange(1, tagged(request(1), "81000064"), tagged(request(2)));
          assert.deepEqual([answer?.tags, more], [[], []]);
          assert.equal(readIpv6(answer!.packet).payload.at(-1), 2, "the one without a tag is answered");
          assert.ok(bench.verdicts()[0]! > before[0]!, "the other one passed");
        }));

      it("are answered with the same tags", () =>
        with_((_, accept) => {
          accept(true);
          const tags = [["81000064"], ["88a80007", "8100e064"], []];
          const answers = exchange(3, ...tags.map((list, i) => tagged(request(i), ...list)));
          assert.deepEqual(
            answers.map(({ at, tags: seen, packet }) => [at, seen, packet[40], readIpv6(packet).payload.at(-1)]),
            tags.map((list, i) => [FAR, list, 129, i]),
          );
        }));

      it("leave into a tunnel without them", () =>
        with_((_, accept) => {
          accept(true);
          const packet = segment(CAP.remote);
          const [sent, ...more] = exchange(1, tagged(packet, "88a80007", "81000064"));
          assert.deepEqual([sent?.at, sent?.tags, more], [BEYOND, [], []]);
          const outer = readIpv6(sent!.packet);
          assert.deepEqual([outer.destination, outer.protocol], [OTHER, 41]);
          assert.deepEqual(outer.payload.subarray(8), packet.subarray(8));
        }));
    });
});

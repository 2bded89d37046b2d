import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { loadNative } from "../../../native/index.ts";
import { BEAT, BEAT_PAYLOAD, BEAT_PORT, NEXT_HOP, NODE } from "../../../src/dataplane/abi.ts";
import { lastLegAddress } from "../../../src/forwarding/index.ts";
import { type Bench, HOOKS, type Hook } from "./bench.ts";
import { ethernet, readIpv6, udp } from "./frames.ts";
import { insideNamespace } from "./inside.ts";
import { ACTION, address, CAP, HOP, LOCATOR, makeWorld, OTHER, segment, TENANT, THIRD } from "./world.ts";

function beat(source: Uint8Array, hold: number, change: (payload: DataView) => void = () => {}): Uint8Array {
  const payload = new Uint8Array(BEAT_PAYLOAD.size);
  const view = new DataView(payload.buffer);
  view.setUint32(BEAT_PAYLOAD.offsets.magic, BEAT.magic);
  view.setUint8(BEAT_PAYLOAD.offsets.version, BEAT.version);
  view.setUint16(BEAT_PAYLOAD.offsets.hold, hold);
  change(view);
  return udp({ source, destination: LOCATOR, sourcePort: 50000, destinationPort: BEAT_PORT, payload });
}

/** OTHER and THIRD serve `sites` in turns; their heartbeats are for their tunnels. */
async function makeRouter(): Promise<Bench> {
  const bench = await makeWorld();
  for (const [locator, hop] of [
    [OTHER, HOP.remote],
    [THIRD, HOP.third],
  ] as const) {
    const value = new Uint8Array(NODE.size);
    new DataView(value.buffer).setUint16(NODE.offsets.next_hop, hop, true);
    bench.map("nodes").update(locator, value);
  }
  return bench;
}

const silentAfter = (bench: Bench, hop: number): DataView =>
  new DataView(
    bench.entry("next_hops", hop, NEXT_HOP.size).buffer,
    bench.entry("next_hops", hop, NEXT_HOP.size).byteOffset + NEXT_HOP.offsets.silent_after,
    4,
  );

function defineTests(hook: Hook): void {
  const hear = (bench: Bench, packet: Uint8Array) => {
    bench.port(1, "core", 0);
    return bench.run(hook, ethernet(packet));
  };
  const sites = (bench: Bench, flags = "S"): Set<string> => {
    bench.port(1, "client", TENANT);
    const ports = Array.from({ length: 32 }, (_, i) => 30_000 + i);
    return new Set(
      ports.map((sourcePort) => {
        const { verdict, packet } = bench.run(hook, ethernet(segment(CAP.sites, { sourcePort, flags })));
        return verdict === "encapsulated" ? `${readIpv6(packet).destination}` : verdict;
      }),
    );
  };

  it("is heard, and ends in the pass; its hold is kept in ticks", async () => {
    using bench = await makeRouter();
    const tick = loadNative().bpf.tickNanoseconds();
    const now = (): number => Number(process.hrtime.bigint()) / tick;
    const times = [now()];
    const done = hear(bench, beat(OTHER, 60_000));
    times.push(now());
    assert.deepEqual([done.verdict, done.action], ["heartbeat", ACTION.dropped[hook]]);
    const until = silentAfter(bench, HOP.remote).getUint32(0, true);
    times.push(now());
    hear(bench, beat(OTHER, 1000));
    times.push(now());
    const ticks = (until - silentAfter(bench, HOP.remote).getUint32(0, true)) | 0;
    // Less by what passed between the two, whatever that was.
    const [least, most] = [times[2]! - times[1]!, times[3]! - times[0]!].map((passed) => 59e9 / tick - passed);
    assert.ok(ticks <= least! + 25 && ticks >= most! - 25, `${ticks} ticks of ${tick} ns for 59 s`);
    assert.equal(silentAfter(bench, HOP.third).getUint32(0, true), 0, "another's");
  });

  it("vouches for no less than it says, and for less than a tick more", async () => {
    using bench = await makeRouter();
    const { bpf } = (await import("../../../native/index.ts")).loadNative();
    const tick = bpf.tickNanoseconds() / 1e6;
    const until = (locator: Uint8Array, hop: number, hold: number): number => {
      hear(bench, beat(locator, hold));
      return silentAfter(bench, hop).getUint32(0, true);
    };
    /** A hold of nothing ends with the tick that is now. */
    const now = () => until(THIRD, HOP.third, 0);
    for (const hold of [1, tick - 1, tick, tick + 1, 10, 40, 50, 65_535].map(Math.ceil)) {
      const [before, heard, after] = [now(), until(OTHER, HOP.remote, hold), now()];
      const ticks = Math.ceil(hold / tick);
      const least = (heard - ticks - before) | 0;
      assert.ok(least >= 0 && ((heard - ticks - after) | 0) <= 0, `${hold} ms: ${(heard - before) | 0} ticks`);
    }

    // Silent is who is not vouched for any more: a tick earlier would be a false alarm. A run of the program may take some ticks.
    const word = silentAfter(bench, HOP.remote);
    bench.port(1, "client", TENANT);
    const goesTo = (sourcePort: number): string => {
      const { packet } = bench.run(hook, ethernet(segment(CAP.sites, { sourcePort, flags: "S" })));
      return `${readIpv6(packet).destination}`;
    };
    word.setUint32(0, 0, true);
    const port = Array.from({ length: 32 }, (_, i) => 30_000 + i).find((each) => goesTo(each) === `${OTHER}`)!;
    const isSilent = (end: number): boolean => {
      silentAfter(bench, HOP.third).setUint32(0, 0, true);
      word.setUint32(0, end || 1, true);
      bench.port(1, "client", TENANT);
      return goesTo(port) !== `${OTHER}`;
    };
    assert.ok(isSilent((now() - 1) >>> 0), "a tick after the end");
    for (let tries = 0, exact = 0; tries < 100 && exact < 3; tries++) {
      const end = (now() + (tries % 5)) >>> 0;
      const silent = isSilent(end);
      const left = (end - now()) | 0;
      if (left >= 0) assert.ok(!silent, `${left} ticks before the end`);
      if (left === 0) exact++;
    }
  });

  it("who was heard and is silent gets nothing; who never was heard is not judged, nor who is the control plane's to judge", async () => {
    using bench = await makeRouter();
    assert.deepEqual(sites(bench), new Set([`${OTHER}`, `${THIRD}`]));
    hear(bench, beat(OTHER, 1));
    const word = silentAfter(bench, HOP.remote);
    word.setUint32(0, word.getUint32(0, true) - 1000, true); // long ago
    assert.deepEqual(sites(bench), new Set([`${THIRD}`]));
    assert.deepEqual(sites(bench, "A"), new Set([`${THIRD}`]));
    word.setUint32(0, 0, true);
    assert.deepEqual(sites(bench), new Set([`${OTHER}`, `${THIRD}`]), "a control plane that lives clears the word");
    word.setUint32(0, 1, true);
    assert.deepEqual(sites(bench), new Set([`${THIRD}`]));
    hear(bench, beat(OTHER, 60_000));
    assert.deepEqual(sites(bench), new Set([`${OTHER}`, `${THIRD}`]), "heard again");
  });

  it("panic: where all are silent, silence does not count", async () => {
    using bench = await makeRouter();
    hear(bench, beat(OTHER, 1));
    hear(bench, beat(THIRD, 1));
    for (const hop of [HOP.remote, HOP.third]) silentAfter(bench, hop).setUint32(0, 1, true);
    assert.deepEqual(sites(bench), new Set([`${OTHER}`, `${THIRD}`]));
    bench.state(HOP.remote, "down");
    assert.deepEqual(sites(bench), new Set([`${THIRD}`]), "what is down is down");
  });

  it("flows of a silent former owner leave while their slot is in transition", async () => {
    using bench = await makeRouter();
    bench.group(9, [[HOP.third, HOP.remote]]);
    assert.deepEqual(sites(bench, "A"), new Set([`${OTHER}`]));
    silentAfter(bench, HOP.remote).setUint32(0, 1, true);
    assert.deepEqual(sites(bench, "A"), new Set([`${THIRD}`]));
  });

  it("strangers, second tunnel addresses, other versions and short ones are not heard", async () => {
    using bench = await makeRouter();
    const verdict = (packet: Uint8Array) => hear(bench, packet).verdict;
    assert.equal(verdict(beat(address("2001:db8:a:77::1"), 1)), "drop-unknown-node");
    assert.equal(verdict(beat(lastLegAddress(OTHER), 1)), "drop-unknown-node");
    assert.equal(verdict(beat(OTHER, 1, (view) => view.setUint8(BEAT_PAYLOAD.offsets.version, 2))), "passed");
    assert.equal(verdict(beat(OTHER, 1, (view) => view.setUint32(0, 1))), "passed");
    const whole = beat(OTHER, 1);
    for (let length = 48; length < whole.length; length++) {
      const cut = whole.slice(0, length);
      new DataView(cut.buffer).setUint16(4, length - 40);
      assert.equal(verdict(cut), "passed", `${length} octets`);
    }
    const elsewhere = udp({ source: OTHER, destination: THIRD, sourcePort: 1, destinationPort: BEAT_PORT });
    assert.equal(verdict(elsewhere), "passed");
    assert.equal(silentAfter(bench, HOP.remote).getUint32(0, true), 0);
  });
}

insideNamespace(import.meta.filename, () => {
  for (const hook of HOOKS) describe(`heartbeats in ${hook}`, () => defineTests(hook));
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { parseIpv4, parseIpv6, seconds } from "../../../src/base/index.ts";
import { type PeerOptions, startSpeaker } from "../../../src/bgp/speaker/index.ts";
import { createRib } from "../../../src/rib/index.ts";
import { createMetrics } from "../../../src/telemetry/index.ts";
import { SeededRandom } from "../../sim/seeded-random.ts";
import { Puppet } from "./puppet.ts";
import { RecordedLog } from "./router.ts";
import { A, B, Scene } from "./scene.ts";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

class Silent extends RecordedLog {
  override debug(): void {}
  override info(): void {}
  override warn(): void {}
}

/** A speaker without neighbours, whose metrics are those of a router. */
async function speakerOf(scene: Scene) {
  const [clock, random, metrics, log] = [scene.clock, new SeededRandom(scene.seed), createMetrics(), new Silent()];
  const [nextHop, bgpIdentifier] = [parseIpv6(A)!, parseIpv4("10.0.0.1")!];
  const local = { name: "local", kind: "local", bgpIdentifier, address: nextHop, autonomousSystem: 65000 } as const;
  const rib = createRib({ local, tenants: [], maxRoutes: 100, maxPeers: 8 }, { clock, random, metrics, log });
  const options = {
    ...{ localAs: 65000, bgpIdentifier, nextHop, listen: [{ address: A, port: 179 }], peers: [] },
    ...{ gracefulRestart: undefined, start: { restarted: false, forwardingPreserved: false } },
  };
  const parts = { rib, transport: scene.network.host(A), clock, random, log, metrics };
  const speaker = await startSpeaker(options, parts, new AbortController().signal);
  const add = (address: string, more: Pick<PeerOptions, "passive" | "password" | "furtherPasswords">): void =>
    speaker.addPeer({
      ...{ address, port: 179, remoteAs: 65000, ...more, holdTime: seconds(9), connectRetry: seconds(2) },
    });
  return { speaker, metrics, rib, add };
}

async function heapAfterGc(): Promise<number> {
  for (let i = 0; i < 4; i++) {
    collect();
    await new Promise((resolve) => setImmediate(resolve));
  }
  return process.memoryUsage().heapUsed;
}

describe("neighbours that are removed", () => {
  it("leave nothing: 3000 addresses, each added, tried and removed", async (t) => {
    const scene = new Scene(t);
    const { speaker, metrics, rib, add } = await speakerOf(scene);
    const cycles = async (from: number, to: number): Promise<void> => {
      for (let i = from; i < to; i++) {
        const address = `2001:db8:1::${i.toString(16)}`;
        add(address, { passive: false, password: "one", furtherPasswords: ["other"] });
        scene.clock.advance(10);
        assert.equal(await speaker.removePeer(address), true);
      }
    };
    const series = async (): Promise<number> => (await metrics.expose()).split("\n").length;
    await cycles(0, 1000);
    const [before, seriesBefore] = [await heapAfterGc(), await series()];
    await cycles(1000, 3000);
    const [after, seriesAfter] = [await heapAfterGc(), await series()];
    t.diagnostic(`${before} octets after 1000, ${after} after 3000; ${seriesAfter} lines of metrics`);
    assert.equal(seriesAfter, seriesBefore);
    // Their series alone were 6 kB each.
    assert.ok(after - before < 500 * 2000, `${Math.round((after - before) / 2000)} octets each`);
    await speaker.stop({ restart: false });
    rib[Symbol.dispose]();
  });

  it("are counted from zero when they come again, and the last messages of before count for nobody", async (t) => {
    const scene = new Scene(t);
    const { speaker, metrics, rib, add } = await speakerOf(scene);
    const counted = async (): Promise<string[]> =>
      (await metrics.expose())
        .split("\n")
        .filter((line) => line.startsWith(`semrd_bgp_messages_received_total{peer="${B}"`));
    add(B, { passive: true });
    const puppet = await Puppet.up(scene);
    assert.equal(speaker.peer(B)!.state, "Established");
    assert.deepEqual(await counted(), [`semrd_bgp_messages_received_total{peer="${B}"} 2`]);
    const removed = speaker.removePeer(B);
    add(B, { passive: true });
    assert.deepEqual(await counted(), [`semrd_bgp_messages_received_total{peer="${B}"} 0`]);
    scene.clock.advance(100);
    await removed;
    assert.ok(puppet.closed !== undefined);
    scene.clock.advance(2000);
    await Puppet.up(scene);
    assert.deepEqual(await counted(), [`semrd_bgp_messages_received_total{peer="${B}"} 2`]);
    await speaker.removePeer(B);
    assert.deepEqual(await counted(), []);
    await speaker.stop({ restart: false });
    rib[Symbol.dispose]();
  });
});

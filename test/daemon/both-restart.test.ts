import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { it, type TestContext } from "node:test";
import { loadNative } from "../../native/index.ts";
import {
  type CapabilityName,
  capabilityId,
  fromHex,
  parseIpv4,
  parseIpv6,
  parseIpv6Prefix,
  seconds,
} from "../../src/base/index.ts";
import { CapabilityBook, LabelBook, mirrorRoute } from "../../src/bgp/brownfield/index.ts";
import { createNetTransport, type Speaker, startSpeaker } from "../../src/bgp/speaker/index.ts";
import { systemClock as clock, systemRandom as random } from "../../src/host/index.ts";
import { createRib } from "../../src/rib/index.ts";
import { TARGET } from "../bgp/speaker/router.ts";
import { semanticSample, setSample } from "../bgp/wire/samples.ts";
import { isolated } from "../dataplane/kernel/isolated.ts";
import { ListLog, TallyMetrics } from "../sim/tally-metrics.ts";
import { RouterFolder, type RouterProcess } from "./router-process.ts";

/** Both routers are on lo; the pins outlive the process in /mnt. */
const SETUP = `
  mount --make-rprivate /
  mount -t bpf st-both /mnt
  ip link set lo up
  sysctl -qw net.ipv6.conf.all.forwarding=1
  for n in 1 2; do ip address add fd00:ffff::$n/128 dev lo nodad; done
`;
const TIMEOUT = 60_000;
const [OURS, THEIRS] = ["fd00:ffff::1", "fd00:ffff::2"];
const [OCR, SCAN] = ["/vision/ocr", "/vision/scan"] as readonly string[] as readonly [CapabilityName, CapabilityName];
const ORIGIN = parseIpv4("192.0.2.2")!;
/** What 0:65000:1 is. */
const DISTINGUISHER = fromHex("0000fde800000001");
const RESTART = { restartTime: seconds(60), stalePathTime: seconds(60), selectionDeferralTime: seconds(60) };
/** What the routers of the domain have agreed on, for routes that are said as unicast. */
const DOMAIN = {
  prefix: parseIpv6Prefix("fd5e:3d00:1::/48")!,
  tenants: [
    { name: "acme", index: 1, routeDistinguisher: DISTINGUISHER, importTargets: [TARGET], exportTargets: [TARGET] },
  ],
  capabilities: new CapabilityBook(
    [OCR, SCAN].map((name) => ({ name, majorVersion: 1 })),
    new Map(),
  ),
  labels: new LabelBook([]),
};

interface NeighbourOptions {
  readonly restarted: boolean;
  /** Default: capability routes. */
  readonly says?: "ipv6-unicast";
  /** Default true. */
  readonly endsOfRib?: boolean;
}

/** The other router: it says of which capabilities its site has instances when it is told to. */
class Neighbour implements AsyncDisposable {
  readonly #speaker: Speaker;
  readonly #rib: Disposable;
  readonly #says: NeighbourOptions["says"];

  private constructor(speaker: Speaker, rib: Disposable, { says }: NeighbourOptions) {
    this.#speaker = speaker;
    this.#rib = rib;
    this.#says = says;
  }

  static async start(options: NeighbourOptions): Promise<Neighbour> {
    const { restarted, says, endsOfRib = true } = options;
    const address = parseIpv6(THEIRS)!;
    const parts = { clock, random, log: new ListLog(), metrics: new TallyMetrics() };
    const local = { name: "r2", kind: "local", bgpIdentifier: ORIGIN, address, autonomousSystem: 65000 } as const;
    const rib = createRib({ local, tenants: [], maxRoutes: 1024 }, parts);
    const speaker = await startSpeaker(
      {
        ...{ localAs: 65000, bgpIdentifier: ORIGIN, nextHop: address, listen: [{ address: THEIRS, port: 179 }] },
        peers: [
          {
            ...{ address: OURS, port: 179, remoteAs: 65000, passive: true, updateSource: THEIRS },
            ...{ holdTime: seconds(30), connectRetry: seconds(1) },
            ...(says === undefined ? {} : { families: [{ family: says }] }),
          },
        ],
        gracefulRestart: endsOfRib ? RESTART : undefined,
        start: { restarted, forwardingPreserved: restarted },
      },
      { ...parts, rib, transport: createNetTransport({ clock, sock: loadNative().sock }) },
      new AbortController().signal,
    );
    return new Neighbour(speaker, rib, options);
  }

  get hasEndOfRib(): boolean {
    return this.#speaker.peer(OURS)?.gracefulRestart.endOfRibReceived === true;
  }

  get isUp(): boolean {
    return this.#speaker.peer(OURS)?.state === "Established";
  }

  /** These, and no others. */
  announce(...names: readonly CapabilityName[]): void {
    for (const name of names) {
      const id = { routeDistinguisher: DISTINGUISHER, capabilityId: capabilityId(name, 1), originId: ORIGIN };
      const { localPref: _, ...plain } = setSample({
        extendedCommunities: [TARGET],
        semantic: semanticSample({ name }),
      });
      const nlri = { type: "site", ...id } as const;
      const set = { ...plain, nextHop: parseIpv6(THEIRS)! };
      if (this.#says === undefined) this.#speaker.originate(nlri, set);
      else this.#sayAsUnicast(nlri, set);
    }
    this.#speaker.localStateConverged();
  }

  #sayAsUnicast(...[nlri, set]: Parameters<Speaker["originate"]>): void {
    assert.ok(nlri.type === "site");
    const mirrored = mirrorRoute(nlri, set, { selector: 2, localAs: 65000 }, DOMAIN);
    assert.ok(mirrored.ok);
    for (const address of mirrored.addresses)
      this.#speaker.originateUnicast({ family: "ipv6-unicast", address, length: 128 }, mirrored.set);
  }

  /** As a process that ends. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#speaker.stop({ restart: true });
    this.#rib[Symbol.dispose]();
  }
}

interface FibEntry {
  readonly capability?: string;
  readonly nextHops: readonly { readonly towards: string; readonly slots: number }[];
}

/** Where the capabilities lead, with the number of slots. */
async function ways(router: RouterProcess): Promise<readonly string[]> {
  const entries = (await router.ctl("show", "fib")) as readonly FibEntry[];
  const lead = entries.flatMap(({ capability, nextHops }) =>
    nextHops.map(({ towards, slots }) => `${capability} ${towards} ${slots}`),
  );
  return lead.sort();
}

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + TIMEOUT;
  while (!(await holds())) {
    assert.ok(performance.now() < deadline, `waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

function configurationOf(folder: RouterFolder, neighbor: object): object {
  return folder.configuration("r1", {
    "semrd-taxonomy:taxonomy": {
      revision: 1,
      capability: [OCR, SCAN].map((name) => ({ name, "major-version": 1 })),
    },
    "semrd-bgp:bgp": {
      ...{ "local-as": 65000, address: OURS, "connect-retry": 1 },
      neighbors: { neighbor: [{ address: THEIRS, "remote-as": 65000, ...neighbor }] },
    },
    "semrd-dataplane:dataplane": { driver: "kernel", "pin-directory": "/mnt/semrd" },
  });
}

const whole = [`${OCR} ${THEIRS} 64`, `${SCAN} ${THEIRS} 64`];

async function folderOf(t: TestContext): Promise<RouterFolder> {
  const folder = new RouterFolder(await mkdtemp(path.join(os.tmpdir(), "semrd-both-")));
  t.after(() => rm(folder.path, { recursive: true }));
  return folder;
}

await isolated(import.meta.filename, SETUP, () => {
  it("two routers are killed at once: what one's tables find at the other stays until that has said its routes", {
    timeout: TIMEOUT * 2,
  }, async (t) => {
    const folder = await folderOf(t);
    const configuration = configurationOf(folder, {});
    {
      await using r2 = await Neighbour.start({ restarted: false });
      await using r1 = await folder.started("r1", configuration);
      r2.announce(OCR, SCAN);
      await until("both lead to r2", async () => (await ways(r1)).length === 2);
      assert.deepEqual(await ways(r1), whole);
      await r1.end("SIGKILL");
    }
    await using r2 = await Neighbour.start({ restarted: true });
    await using r1 = await folder.restarted("r1");
    await until("End-of-RIB of r1, which waits for nobody that restarts", () => r2.hasEndOfRib);
    for (let round = 0; round < 5; round++) assert.deepEqual(await ways(r1), whole);
    assert.doesNotMatch(r1.log, /router\.converged/);

    r2.announce(OCR);
    await r1.logged(/router\.converged/);
    await until("what r2 has no more leads nowhere", async () => (await ways(r1)).length === 1);
    assert.deepEqual(await ways(r1), [`${OCR} ${THEIRS} 64`]);
  });

  it("the same of a brownfield neighbour that does not know of graceful restart", {
    timeout: TIMEOUT * 2,
  }, async (t) => {
    const folder = await folderOf(t);
    const configuration = configurationOf(folder, { "semrd-brownfield:brownfield": {} });
    const unicast = { says: "ipv6-unicast", endsOfRib: false } as const;
    {
      await using r2 = await Neighbour.start({ restarted: false, ...unicast });
      await using r1 = await folder.started("r1", configuration);
      r2.announce(OCR, SCAN);
      await until("both lead to r2", async () => (await ways(r1)).length === 2);
      assert.deepEqual(await ways(r1), whole);
      await r1.end("SIGKILL");
    }
    await using r2 = await Neighbour.start({ restarted: true, ...unicast });
    await using r1 = await folder.restarted("r1");
    await until("the session", () => r2.isUp);
    for (let round = 0; round < 5; round++) assert.deepEqual(await ways(r1), whole);
    assert.doesNotMatch(r1.log, /router\.converged/);

    r2.announce(OCR);
    await r1.logged(/router\.converged/);
    assert.ok((await ways(r1)).includes(`${OCR} ${THEIRS} 64`), "never without it");
    await until("what r2 has no more leads nowhere", async () => (await ways(r1)).length === 1);
    assert.deepEqual(await ways(r1), [`${OCR} ${THEIRS} 64`]);
  });
});

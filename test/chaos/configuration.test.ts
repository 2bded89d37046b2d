import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { isDeepStrictEqual } from "node:util";
import type { FibRow, PeerRow, StatusReport } from "../../src/management/index.ts";
import { cable, folder, missing, OURS, PORT, ask as runIn, THEIRS, until } from "../bgp/interop/lab.ts";
import { RouterFolder, type RouterProcess } from "../daemon/router-process.ts";
import { inOwnMounts, whyNoKernelDataplane } from "../dataplane/kernel/isolated.ts";
import { SeededRandom } from "../sim/seeded-random.ts";
import { type Asked, ask } from "./control.ts";
import { RandomConfiguration, type Step } from "./random-configuration.ts";

inOwnMounts(import.meta.filename);

/** `CHAOS_CHANGES=2000 CHAOS_KILLS=100` is a long run. */
const CHANGES = Number(process.env.CHAOS_CHANGES ?? 30);
const KILLS = Number(process.env.CHAOS_KILLS ?? 3);
const SEMRD = fileURLToPath(new URL("../../tools/semrd", import.meta.url));
const STEADY = "/vision/ocr";

/**
 * What comes and goes again and again is held back for up to half a minute, which a router without history has no reason for: here
 * for less than it takes to be `settled`.
 */
const BRIEFLY_DAMPED = {
  ...{ "average-ms": 200, "hold-ms": 200, "bad-news-interval-ms": 100 },
  ...{ "good-news-interval-ms": 300, "good-news-interval-maximum-ms": 600 },
};

/** What a change was asked for with, and what runs once it is done. */
interface Order {
  readonly way: "commit" | "steps" | "SIGHUP";
  readonly document: object;
  readonly steps: readonly Step[];
}

/** As JSON that is the same for two documents that say the same in another order. */
function canonical(value: unknown): unknown {
  if (Array.isArray(value))
    return value.map(canonical).sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  if (typeof value !== "object" || value === null) return value;
  const members = Object.entries(value).map(([name, member]) => [name, canonical(member)] as const);
  return Object.fromEntries(members.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** What a row of the tables says without the numbers that depend on history. */
function factsOf({ address, capability, tenant, nextHops }: FibRow): string {
  const towards = nextHops.map((one) => `${one.towards} ${one.state} ${one.backup} ${one.localOnly}`);
  return [address, capability, tenant, ...towards.sort()].join(", ");
}

/** By address and next hop: slots. Moving as few as possible leaves each up to one from its exact share. */
function sharesOf(rows: readonly FibRow[]): ReadonlyMap<string, number> {
  return new Map(
    rows.flatMap((row) => row.nextHops.map((one) => [`${row.address} ${one.towards}`, one.slots] as const)),
  );
}

const hasEnded = ({ child }: RouterProcess): boolean => child.exitCode !== null || child.signalCode !== null;

it(`${CHANGES} random changes, ${KILLS} times kill -9 between and in them: what was acknowledged runs, what is not concerned does not notice`, {
  timeout: 120_000 + 3_000 * (CHANGES + 10 * KILLS),
}, async (t) => {
  const reason = await missing("/bin/ip", "iproute2");
  if (reason !== undefined) return t.skip(reason);
  const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);
  t.diagnostic(`SEED=${seed}`);
  const random = new SeededRandom(seed);
  const { ours, theirs } = await cable(t);
  const where = await folder(t);
  const routers = new RouterFolder(where);
  const kernel = whyNoKernelDataplane();
  if (kernel !== undefined) t.diagnostic(`on the memory data plane: ${kernel}`);
  for (const name of ["edge0", "edge1", "edge2"]) {
    await runIn(ours, "ip", "link", "add", name, "type", "veth", "peer", "name", `${name}p`);
    await runIn(ours, "ip", "link", "set", name, "up");
  }
  const inside = (namespace: string): string[] => ["nsenter", `--net=/run/netns/${namespace}`];
  const pinDirectory = `/sys/fs/bpf/semrd-chaos-${process.pid}`;
  const model = new RandomConfiguration(random, {
    base: routers.configuration("r1", {
      site: { selector: 1, locator: OURS },
      advertisement: { damping: BRIEFLY_DAMPED },
      "semrd-dataplane:dataplane": {
        driver: kernel === undefined ? "kernel" : "memory",
        "pin-directory": pinDirectory,
      },
    }),
    bgp: { "local-as": 65000, address: OURS, port: PORT, "connect-retry": 1 },
    neighbor: { address: THEIRS, port: PORT, "remote-as": 65000 },
    interfaces: ["edge1", "edge2"],
  });
  await using second = await routers.started(
    "r2",
    routers.configuration("r2", {
      "router-id": "192.0.2.2",
      site: { selector: 2, locator: THEIRS },
      "semrd-bgp:bgp": {
        ...{ "local-as": 65000, address: THEIRS, port: PORT, "connect-retry": 1 },
        neighbors: { neighbor: [{ address: OURS, port: PORT, "remote-as": 65000 }] },
      },
    }),
    inside(theirs),
  );

  let file = model.document;
  let router = await routers.started("r1", file, inside(ours));
  await using _last = {
    async [Symbol.asyncDispose]() {
      if (hasEnded(router)) t.diagnostic(`r1 has ended by itself: ${router.log.slice(-3000)}`);
      await router.end("SIGKILL");
      const remove = ["--remove-forwarding", "--config", path.join(where, "r1.json")];
      if (kernel === undefined) await runIn(ours, SEMRD, ...remove);
    },
  };
  const get = async <T>(of: RouterProcess, what: string): Promise<T> =>
    (await ask(of.socket, { method: "GET", path: `/v1/${what}` })).json as T;
  const running = async (): Promise<unknown> => canonical(await get(router, "config"));
  const session = async (): Promise<PeerRow | undefined> =>
    (await get<PeerRow[]>(router, "peers")).find(({ address }) => address === THEIRS);
  const established = async (): Promise<string> => {
    await until("the session with r2", async () => (await session())?.state === "Established");
    const { local, remote } = (await session())!;
    return `${local!.port} ${remote!.port}`;
  };
  const steadyFib = async (): Promise<unknown> =>
    (await get<FibRow[]>(router, "fib")).filter(({ capability, tenant }) => capability === STEADY && tenant === "acme");

  let acknowledged = model.document;
  let connection = await established();
  const fib = await steadyFib();
  assert.equal((fib as FibRow[])[0]!.nextHops.length > 0, true, "the steady agent is served");

  const order = (): Order => {
    const steps = model.change();
    const dice = random.next();
    return { way: dice < 0.4 ? "steps" : dice < 0.75 ? "commit" : "SIGHUP", document: model.document, steps };
  };
  const must = async (asked: Asked): Promise<void> => {
    const { status, json } = await ask(router.socket, asked);
    assert.equal(status, 200, `${asked.path}: ${JSON.stringify(json)}`);
  };
  /** Resolves when it is acknowledged. */
  const carryOut = async (wanted: Order): Promise<void> => {
    if (wanted.way === "SIGHUP") {
      file = wanted.document;
      await writeFile(path.join(where, "r1.json"), JSON.stringify(file, undefined, 2));
      const before = router.log.length;
      router.child.kill("SIGHUP");
      await until("the reload", () => /management\.reload/.test(router.log.slice(before)) || hasEnded(router));
      if (hasEnded(router)) throw new Error("the router has ended");
      assert.doesNotMatch(router.log.slice(before), /management\.reload-refused/);
      return;
    }
    if (wanted.way === "steps") await must({ method: "POST", path: "/v1/config/steps", body: wanted.steps });
    else await must({ method: "POST", path: "/v1/config/edit?operation=replace", body: wanted.document });
    await must({ method: "POST", path: "/v1/config/commit", body: {} });
  };

  const killAt = new Set(Array.from({ length: KILLS }, (_, i) => Math.floor(((i + random.next()) * CHANGES) / KILLS)));
  for (let number = 0; number < CHANGES; number++) {
    const wanted = order();
    const what = `change ${number} by ${wanted.way}`;
    if (!killAt.has(number)) {
      await carryOut(wanted);
      acknowledged = wanted.document;
      assert.deepEqual(await running(), canonical(acknowledged), what);
      const { state, local, remote } = (await session())!;
      assert.deepEqual([state, `${local!.port} ${remote!.port}`], ["Established", connection], what);
      assert.deepEqual(await steadyFib(), fib, what);
      continue;
    }
    const isOtherFile = !isDeepStrictEqual(file, wanted.document);
    const inFlight = carryOut(wanted).then(
      () => true,
      (cause) => {
        if (cause instanceof assert.AssertionError) throw cause;
        return false;
      },
    );
    await Promise.race([inFlight, delay(random.next() * 120)]);
    await router.end("SIGKILL");
    const wasDone = await inFlight;
    // What was written into the startup file is there for the next start, whether or not the signal was heard.
    const isSure = wasDone || (wanted.way === "SIGHUP" && isOtherFile);
    router = await routers.started("r1", file, inside(ours));
    const found = await running();
    if (isSure) assert.deepEqual(found, canonical(wanted.document), `${what}, killed after it was acknowledged`);
    else {
      const isEither = [acknowledged, wanted.document].some((one) => isDeepStrictEqual(found, canonical(one)));
      if (!isEither) assert.deepEqual(found, canonical(acknowledged), `${what}, killed in it`);
    }
    const isDone = isDeepStrictEqual(found, canonical(wanted.document));
    if (!isDone) model.back();
    acknowledged = model.document;
    connection = await established();
    if (kernel === undefined) assert.deepEqual(await steadyFib(), fib, `${what}, after the restart`);
  }

  /** Resolves when the tables have nothing that no configuration stands for. */
  const swept = (): Promise<void> =>
    until("the tables without what is gone", async () =>
      (await get<FibRow[]>(router, "fib")).every(({ capability }) => capability !== undefined),
    );
  // The same configuration on a router that has no history.
  const facts = async () => ({
    running: await running(),
    fib: (await get<FibRow[]>(router, "fib")).map(factsOf).sort(),
    ports: (await get<StatusReport>(router, "status")).dataplane.ports
      .map(({ interface: name, hook }) => `${name} ${hook}`)
      .sort(),
    peers: (await get<PeerRow[]>(router, "peers")).map(({ address, remoteAs }) => `${address} ${remoteAs}`).sort(),
    agents: (await get<{ agent: string; tenant: string; weight: number }[]>(router, "agents"))
      .map(({ agent, tenant, weight }) => `${agent} ${tenant} ${weight}`)
      .sort(),
  });
  /** A commit is acknowledged before what follows from it is said as routes, decided and compiled: two seconds without a change. */
  const settled = async () => {
    let last = await facts();
    for (let same = 0; same < 10; ) {
      await delay(200);
      const next = await facts();
      same = isDeepStrictEqual(next, last) ? same + 1 : 0;
      last = next;
    }
    return last;
  };
  // Neighbours that never come are not waited for once they are gone: what an earlier process has left in the tables goes.
  await carryOut({ way: "commit", document: model.withoutGuests(), steps: [] });
  acknowledged = model.document;
  await until("convergence", () => router.log.includes('"event":"router.converged"'));
  await swept();
  const lived = await settled();
  const shares = sharesOf(await get<FibRow[]>(router, "fib"));
  assert.deepEqual(lived.running, canonical(acknowledged));
  await router.end("SIGTERM");
  await writeFile(path.join(where, "r1.json"), JSON.stringify(acknowledged));
  if (kernel === undefined) await runIn(ours, SEMRD, "--remove-forwarding", "--config", path.join(where, "r1.json"));
  await runIn(ours, "rm", "-r", path.join(where, "r1"));
  router = await routers.started("r1", acknowledged, inside(ours));
  await established();
  await until("it has compiled all of it", async () => isDeepStrictEqual(await facts(), lived)).catch(async () =>
    assert.deepEqual(lived, await facts(), "what a router without history does"),
  );
  for (const [place, slots] of sharesOf(await get<FibRow[]>(router, "fib"))) {
    assert.ok(
      Math.abs(slots - shares.get(place)!) <= 2,
      `${place}: ${shares.get(place)} slots, ${slots} without history`,
    );
  }
  assert.equal(hasEnded(second), false);
  return undefined;
});

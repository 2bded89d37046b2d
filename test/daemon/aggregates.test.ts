import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { it, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { FibRow, PacketReport } from "../../src/management/index.ts";
import { missing, until } from "../bgp/interop/lab.ts";
import { inOwnMounts, whyNoKernelDataplane } from "../dataplane/kernel/isolated.ts";
import { firstLine } from "../host/child.ts";
import { RouterFolder, type RouterProcess } from "./router-process.ts";
import { removePins } from "./three-places.ts";

inOwnMounts(import.meta.filename);

const run = promisify(execFile);
const PYTHON = "/usr/bin/python3";
const PEER = fileURLToPath(new URL("tenant-client.py", import.meta.url));
const PREFIX = `st-agg-${process.pid}-`;
const PLACES = ["client", "r1", "r2", "r3", "agent"] as const;
type Place = (typeof PLACES)[number];

const SERVICE_PORT = 53;
const CLIENT = "fd00:c::10";
const AGENT = "fd00:a::10";
const locator = (n: number): string => `fd00:ffff::${n}`;
/** r1 knows the second name, and not the first; r3 serves both. */
const [OCR, FACES] = ["/vision/ocr", "/vision/faces"] as const;

const inside = (place: Place): string[] => ["nsenter", `--net=/run/netns/${PREFIX}${place}`];

/** Runs the lines of a script in a namespace. */
async function at(place: Place, script: string): Promise<string> {
  const [command, ...rest] = [...inside(place), "sh", "-ec", script];
  return (await run(command!, rest, { timeout: 60_000 })).stdout;
}

/** client – r1 – r2 – r3 – agent: a chain, whose ends are in two networks. */
async function build(t: TestContext): Promise<void> {
  for (const place of PLACES) {
    await run("ip", ["netns", "add", PREFIX + place]);
    t.after(() => run("ip", ["netns", "del", PREFIX + place]));
    const forwarding = `net.ipv6.conf.all.forwarding=${place.startsWith("r") ? 1 : 0}`;
    await at(place, `sysctl -qw net.ipv6.conf.default.accept_dad=0 ${forwarding}; ip link set lo up`);
  }
  for (const [i, place] of PLACES.entries()) {
    const next = PLACES[i + 1];
    if (next === undefined) break;
    const ends = ["link", "add", "name", "right", "netns", PREFIX + place];
    await run("ip", [...ends, "type", "veth", "peer", "name", "left", "netns", PREFIX + next]);
  }
  const left = (n: number, network: string) =>
    `ip link set left up; ip -6 address add ${network}::${n.toString(16)}/64 dev left nodad`;
  const right = (n: number, network: string) =>
    `ip link set right up; ip -6 address add ${network}::${n.toString(16)}/64 dev right nodad`;
  await at("client", `${right(0x10, "fd00:c")}; ip -6 route add default via fd00:c::1`);
  await at("agent", `${left(0x10, "fd00:a")}; ip -6 route add default via fd00:a::3`);
  const own = (n: number) => `ip -6 address add ${locator(n)}/128 dev lo`;
  const to = (net: string, via: string) => `ip -6 route add ${net} via ${via}`;
  await at("r1", `${own(1)}; ${left(1, "fd00:c")}; ${right(1, "fd00:12")}; ${to("fd00::/16", "fd00:12::2")}`);
  await at(
    "r2",
    `${own(2)}; ${left(2, "fd00:12")}; ${right(2, "fd00:23")}
    ${to("fd00:c::/64", "fd00:12::1")}; ${to(`${locator(1)}/128`, "fd00:12::1")}
    ${to("fd00:a::/64", "fd00:23::3")}; ${to(`${locator(3)}/128`, "fd00:23::3")}`,
  );
  await at("r3", `${own(3)}; ${left(3, "fd00:23")}; ${right(3, "fd00:a")}; ${to("fd00::/16", "fd00:23::2")}`);
}

/** r2 hears of r3, tells r1 of its prefix alone (it reflects nothing), and knows all names; r1 knows one of them. */
function configuration(folder: RouterFolder, pins: string, n: 1 | 2 | 3, { serves }: { serves: boolean }): object {
  const neighbors = { 1: [2], 2: [1, 3], 3: [2] }[n];
  const core = (name: string) => ({ name, role: "core" });
  const interfaces = {
    1: [{ name: "left", role: "client", tenant: "acme" }, core("right")],
    2: [core("left"), core("right")],
    3: [core("left"), { name: "right", role: "agent", tenant: "acme" }],
  }[n];
  const facts = { "major-version": 1, protocol: "udp", "service-port": SERVICE_PORT };
  const capability = (n === 1 ? [FACES] : [OCR, FACES]).map((name) => ({ name, ...facts }));
  return folder.configuration(`r${n}`, {
    "router-id": `192.0.2.${n}`,
    site: { selector: n, locator: locator(n) },
    ...(n === 2 ? { advertisement: { prefix: [{ name: "/vision" }] } } : {}),
    "semrd-taxonomy:taxonomy": { revision: 1, capability },
    "semrd-dataplane:dataplane": { driver: "kernel", "pin-directory": `${pins}/r${n}`, "max-capabilities": 64 },
    "semrd-interface:interfaces": { interface: interfaces },
    "semrd-bgp:bgp": {
      ...{ "local-as": 65000, address: locator(n), port: 1179, "connect-retry": 1 },
      neighbors: {
        neighbor: neighbors.map((other) => ({
          ...{ address: locator(other), "remote-as": 65000, port: 1179 },
          families: { family: [{ name: "capability" }] },
        })),
      },
    },
    ...(n === 3 && serves
      ? {
          "semrd-agent:agents": {
            agent: [
              {
                ...{ id: "spiffe://example.net/acme/agent/reader", tenant: "acme" },
                capability: [OCR, FACES].map((name) => ({ name, "major-version": 1, address: AGENT, port: 5353 })),
              },
            ],
          },
        }
      : {}),
  });
}

async function whyNot(): Promise<string | undefined> {
  return (
    whyNoKernelDataplane() ?? (await missing(PYTHON, "python3")) ?? (await missing("/usr/bin/nsenter", "util-linux"))
  );
}

it("what is only known below a prefix of another site is served: by its name, and without it by its family", {
  timeout: 120_000,
}, async (t: TestContext) => {
  const reason = await whyNot();
  if (reason !== undefined) return t.skip(reason.startsWith("skipped") ? reason : `skipped: ${reason}`);
  await build(t);
  const folder = new RouterFolder(await mkdtemp(path.join(os.tmpdir(), "semrd-aggregates-")));
  t.after(() => rm(folder.path, { recursive: true }));
  const pins = `/sys/fs/bpf/${PREFIX}pins`;
  t.after(() => removePins(pins));
  const [command, ...rest] = [...inside("agent"), PYTHON, PEER, "serve", "5353"];
  const agent = spawn(command!, rest, { stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => agent.kill("SIGKILL"));
  await firstLine(agent);
  const [r1, r2, r3] = (await Promise.all(
    ([1, 2, 3] as const).map(async (n) => {
      const router = await folder.started(`r${n}`, configuration(folder, pins, n, { serves: true }), inside(`r${n}`));
      t.after(() => router.end("SIGKILL"));
      return router;
    }),
  )) as [RouterProcess, RouterProcess, RouterProcess];

  const fib = async (): Promise<Record<string, string>> =>
    Object.fromEntries(
      ((await r1.ctl("show", "fib")) as FibRow[]).map(({ address, capability, nextHops }) => [
        address,
        `${capability} ${[...new Set(nextHops.map(({ towards }) => towards))].join()}`,
      ]),
    );
  const rows = (await r2.ctl("show", "capabilities")) as { capability: string; address: string }[];
  const [ocr, faces] = [OCR, FACES].map((name) => rows.find(({ capability }) => capability === name)!.address) as [
    string,
    string,
  ];
  const family = `${ocr.split(":").slice(0, 5).join(":")}::/80`;
  const ask = async (to: string): Promise<string> => {
    const said = JSON.parse(await at("client", `python3 ${PEER} ask ${CLIENT} ${to} ${SERVICE_PORT} 2`));
    return said.answer === undefined ? said.error : `class ${said.answer}`;
  };
  const explained = async (to: string): Promise<PacketReport> => {
    const asked = ["explain", "packet", CLIENT, to, "--protocol", "udp", "--port", String(SERVICE_PORT)];
    return (await r1.ctl(...asked)) as PacketReport;
  };

  await t.test("the plan of r1: the family, and the name that it knows, lead to r2", async () => {
    await until("the prefix of r2 in the plan of r1", async () => family in (await fib()));
    assert.deepEqual(await fib(), {
      [faces]: `${FACES} ${locator(2)}`,
      [family]: `/vision/… ${locator(2)}`,
    });
  });

  await t.test("requests reach the agent behind r3, and explain says why", async () => {
    for (const to of [ocr, faces]) assert.equal(await ask(to), "class 0", to);
    const [unknown, known] = [await explained(ocr), await explained(faces)];
    assert.deepEqual([unknown.verdict, unknown.known, unknown.aggregate], ["encapsulated", false, family]);
    assert.deepEqual([known.verdict, known.known, known.aggregate], ["encapsulated", true, undefined]);
    assert.equal(unknown.leaves?.to, locator(2));
    const [there] = [(await r2.ctl("show", "counters")) as { verdicts: { verdict: string; packets: string }[] }];
    const hairPinned = there.verdicts.find(({ verdict }) => verdict === "hair-pinned");
    assert.ok(Number(hairPinned?.packets) >= 2, "r2 sent them on to r3");
  });

  await t.test("what nobody has is refused by r2; when nobody is left below the prefix, by r1", async () => {
    const absent = ocr.replace(/:[0-9a-f]*:0?$/, ":dead:0");
    assert.match(await ask(absent), /unreachable/i);
    await folder.written("r3", configuration(folder, pins, 3, { serves: false }));
    await r3.ctl("config", "reload");
    await until("the prefix gone from the plan of r1", async () => !(family in (await fib())));
    assert.equal((await explained(ocr)).verdict, "reject-no-route");
    assert.equal((await explained(faces)).verdict, "reject-empty-group");
    assert.match(await ask(ocr), /unreachable/i);
  });
  return undefined;
});

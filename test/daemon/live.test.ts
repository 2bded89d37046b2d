import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { it, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import type {
  AgentRow,
  Change,
  CommitEntry,
  Consequence,
  ExchangedRouteRow,
  ExplainReport,
  FibRow,
  PeerRow,
  StatusReport,
  UnicastRouteRow,
} from "../../src/management/index.ts";
import { assertSameSession, type Established, establishedIn } from "../bgp/interop/bird-since.ts";
import { ask, cable, type Daemon, daemon, folder, missing, OURS, PORT, THEIRS, until } from "../bgp/interop/lab.ts";
import { semrctlJson } from "../cli/in-process.ts";
import { inOwnMounts, whyNoKernelDataplane } from "../dataplane/kernel/isolated.ts";

inOwnMounts(import.meta.filename);

const BIRD = "/usr/sbin/bird";
const OTHER = "fd5e:b6c::3";
const program = (name: string): string => fileURLToPath(new URL(`../../tools/${name}`, import.meta.url));

interface Committed {
  readonly commit: number;
  readonly changes: number;
  readonly consequences: readonly Consequence[];
}

function configuration(name: string, where: string, changes: object): object {
  const number = name.slice(1);
  const address = number === "1" ? OURS : OTHER;
  return {
    "semrd-router:router": {
      ...{ name, "router-id": `10.0.0.${number}` },
      domain: { "dns-zone": "example.net", prefix: "fd5e:3d00:1::/48" },
      site: { selector: Number(number), locator: address },
      "state-directory": join(where, name),
      management: { "control-socket": join(where, `${name}.sock`) },
      "semrd-taxonomy:taxonomy": { capability: [{ name: "/vision/ocr", "major-version": 1 }] },
      "semrd-tenant:tenants": {
        tenant: [
          {
            ...{ name: "acme", index: 1, "route-distinguisher": "0:65000:1" },
            ...{ "import-target": ["65000:1"], "export-target": ["65000:1"] },
          },
        ],
      },
      "semrd-telemetry:telemetry": { prometheus: { enabled: false } },
      ...changes,
    },
  };
}

const neighbor = (address: string, ...families: string[]): object => ({
  ...{ address, port: PORT, "remote-as": 65000 },
  families: { family: families.map((name) => ({ name })) },
});

const bgp = (address: string, ...neighbors: object[]): object => ({
  "semrd-bgp:bgp": {
    ...{ "local-as": 65000, address, port: PORT, "connect-retry": 1 },
    neighbors: { neighbor: neighbors },
  },
});

const establishedAt = async (theirs: string, control: string): Promise<Established> =>
  establishedIn(await ask(theirs, "birdc", "-s", control, "show", "protocols", "semrd"));

/** Two routers and BIRD: r1 changes its mind, and nobody whom it does not concern notices. */
it("agents, a neighbour, a policy and an interface come and go on a router that runs; BIRD's session stays", {
  timeout: 180_000,
}, async (t) => {
  const reason = await missing(BIRD, "bird2");
  if (reason !== undefined) return t.skip(reason);
  const { ours, theirs } = await cable(t);
  const where = await folder(t);
  await ask(theirs, "ip", "address", "add", `${OTHER}/64`, "dev", "wire", "nodad");
  const birdConfig = join(where, "bird.conf");
  const birdControl = join(where, "bird.ctl");
  await writeFile(
    birdConfig,
    `router id 10.0.0.9;
protocol device { }
protocol static { ipv6; route 2001:db8:7::/48 unreachable; route 2001:db8:8::/48 unreachable; }
protocol bgp semrd {
  local ${THEIRS} port ${PORT} as 65000;
  neighbor ${OURS} port ${PORT} as 65000;
  strict bind yes;
  connect delay time 1;
  ipv6 { import all; export where source = RTS_STATIC; };
}
`,
  );
  daemon(t, theirs, [BIRD, "-f", "-c", birdConfig, "-s", birdControl, "-P", join(where, "pid")]);
  const kernel = whyNoKernelDataplane();
  if (kernel !== undefined) t.diagnostic(`on the memory data plane: ${kernel}`);
  const pinDirectory = `/sys/fs/bpf/semrd-live-${process.pid}`;
  await using _pins = {
    // The pinned tables go with the test, while its namespace is still there.
    async [Symbol.asyncDispose]() {
      await kill?.(); // also one that did not come to run
      const file = join(where, "r1.json");
      if (kernel === undefined) await ask(ours, program("semrd"), "--remove-forwarding", "--config", file);
    },
  };
  let kill: Daemon["kill"] | undefined;
  const first = {
    ...bgp(OURS, { ...neighbor(THEIRS, "ipv6-unicast"), "soft-reconfiguration": true }),
    "semrd-dataplane:dataplane": {
      driver: kernel === undefined ? "kernel" : "memory",
      "pin-directory": pinDirectory,
    },
  };
  const r1 = await started(t, ours, where, "r1", first, (running) => {
    kill = running.kill;
  });
  const r2 = await started(t, theirs, where, "r2", {
    ...bgp(OTHER, neighbor(OURS, "capability")),
    "semrd-dataplane:dataplane": { driver: "memory" },
  });
  const prefixes = async () =>
    (await r1.ctl<UnicastRouteRow[]>("show", "routes", "--family", "ipv6-unicast")).map(({ prefix }) => prefix);
  const peer = async (address: string) =>
    (await r1.ctl<PeerRow[]>("show", "peers")).find((row) => row.address === address);
  await until("BIRD's prefixes", async () => (await prefixes()).length === 2);
  const since = await establishedAt(theirs, birdControl);
  const begun = (await peer(THEIRS))!.local!.port + (await peer(THEIRS))!.remote!.port;

  // A neighbour more.
  await r1.edit({ ...bgp(OURS, neighbor(THEIRS, "ipv6-unicast"), neighbor(OTHER, "capability")) });
  assert.deepEqual((await r1.ctl<Committed>("config", "commit")).consequences, []);
  await until("the session with r2", async () => (await peer(OTHER))?.state === "Established");

  // Agents: one, then many at once.
  const offer = (n: number, changes: object = {}): object => ({
    ...{ id: `spiffe://example.net/acme/agent/a${n}`, tenant: "acme" },
    capability: [{ name: "/vision/ocr", "major-version": 1, address: `fd00:a::${n}`, port: 8080, ...changes }],
  });
  await r1.edit({ "semrd-agent:agents": { agent: [offer(1)] } });
  await r1.ctl("config", "commit");
  const found = async () => (await r2.ctl<ExplainReport>("explain", "/vision/ocr")).winner;
  await until("r2 reaches the agent", async () => (await found()) === "10.0.0.1");
  await r1.edit({ "semrd-agent:agents": { agent: Array.from({ length: 200 }, (_, n) => offer(n + 2)) } });
  assert.equal((await r1.ctl<Committed>("config", "commit")).changes, 200);
  assert.equal((await r1.ctl<AgentRow[]>("show", "agents")).length, 201);

  // Another way of wrapping packets for r2, in place. Beside 201 agents one of their weight would have less than a slot.
  await r2.edit({ "semrd-agent:agents": { agent: [offer(9000, { weight: 100 })] } });
  await r2.ctl("config", "commit");
  const tunnel = async () => {
    const [row] = await r1.ctl<FibRow[]>("show", "fib");
    return row!.nextHops.find(({ kind }) => kind === "tunnel");
  };
  await until("r1 sends to r2", async () => (await tunnel())?.towards === OTHER);
  const plain = await tunnel();
  assert.equal(plain?.encapsulation, undefined);
  const wrapped = (...changes: readonly object[]) => ({
    "semrd-dataplane:dataplane": { tunnels: { tunnel: changes.map((change) => ({ locator: OTHER, ...change })) } },
  });
  await r1.edit(wrapped({ encapsulation: "segments", segment: ["fd5e::8", "fd5e::9"] }));
  assert.deepEqual((await r1.ctl<Committed>("config", "commit")).consequences, []);
  await until("segments", async () => (await tunnel())?.encapsulation === "segments fd5e::8, fd5e::9");
  assert.equal((await tunnel())?.index, plain?.index);
  await r1.edit(wrapped({ encapsulation: "vxlan", vni: 7 }));
  await r1.ctl("config", "commit");
  await until("VXLAN", async () => (await tunnel())?.encapsulation === "VXLAN 7");
  await r1.ctl("config", "rollback", "2");
  await r1.ctl("config", "commit");
  await until("plain again", async () => (await tunnel())?.encapsulation === undefined);
  assert.equal((await tunnel())?.index, plain?.index);
  await r1.edit(wrapped({ encapsulation: "segments", segment: ["fd5e::1", "fd5e::2", "fd5e::3", "fd5e::4"] }));
  await r1.edit({ "semrd-dataplane:dataplane": { "tunnel-mtu": 1391 } });
  await assert.rejects(r1.ctl("config", "validate"), /at least 1328, and 16 more for each segment/);
  await r1.ctl("config", "discard");
  await r2.ctl("config", "rollback", "1");
  await r2.ctl("config", "commit");

  // A policy in front of BIRD, in use without a new session.
  await r1.edit({
    "semrd-policy:routing-policy": {
      "defined-sets": {
        "prefix-sets": {
          "prefix-set": [
            {
              name: "eight",
              prefixes: {
                "prefix-list": [{ "ip-prefix": "2001:db8:8::/48", "mask-length-lower": 48, "mask-length-upper": 48 }],
              },
            },
          ],
        },
      },
      "policy-definitions": {
        "policy-definition": [
          {
            name: "not-eight",
            statements: {
              statement: [
                {
                  name: "eight",
                  conditions: { "match-prefix-set": { "prefix-set": "eight" } },
                  actions: { "policy-result": "reject-route" },
                },
              ],
            },
          },
        ],
      },
    },
    ...bgp(OURS, { ...neighbor(THEIRS, "ipv6-unicast"), "import-policy": ["not-eight"] }),
  });
  assert.deepEqual((await r1.ctl<Committed>("config", "commit")).consequences, []);
  await until("the policy judges what is there", async () => (await prefixes()).length === 1);
  const received = async (...words: string[]) =>
    (await r1.ctl<ExchangedRouteRow[]>("show", "received", THEIRS, "--family", "ipv6-unicast", ...words))
      .map(({ route, outcome, reason }) => `${route} ${outcome} ${reason}`)
      .sort();
  assert.deepEqual(await received(), ["2001:db8:7::/48 accepted undefined", "2001:db8:8::/48 refused policy"]);
  assert.deepEqual(await received("--refused"), ["2001:db8:8::/48 refused policy"]);
  await assert.rejects(r1.ctl("show", "received", OTHER), /set soft-reconfiguration for it/);
  await assert.rejects(
    r1.ctl("show", "received", THEIRS),
    /no capability routes; it has ipv6-unicast routes: ask for those \(--family ipv6-unicast\)/,
  );
  assert.equal((await peer(THEIRS))!.perFamily[0]!.routesKept, 2);
  const told = await r1.ctl<ExchangedRouteRow[]>("show", "advertised", OTHER);
  const sites = told.filter(({ type }) => type === "site");
  assert.deepEqual(
    sites.map(({ route, outcome, from }) => [route, outcome, from]),
    [["/vision/ocr", "told", "local"]],
  );
  await r1.ctl("config", "rollback", "1");
  await r1.ctl("config", "commit");
  await until("the prefix is back", async () => (await prefixes()).length === 2);

  // An interface.
  await ask(ours, "ip", "link", "add", "edge0", "type", "veth", "peer", "name", "edge1");
  await ask(ours, "ip", "link", "set", "edge0", "up");
  await r1.edit({ "semrd-interface:interfaces": { interface: [{ name: "edge0", role: "agent", tenant: "acme" }] } });
  await r1.ctl("config", "commit");
  const ports = async () =>
    (await r1.ctl<StatusReport>("show", "status")).dataplane.ports.map(({ interface: name, hook }) => [name, hook]);
  const [[name, hook]] = (await ports()) as [[string, string]];
  assert.deepEqual([name, hook !== "none"], ["edge0", kernel === undefined]);
  await r1.ctl("config", "delete", "/router/interfaces/interface[name='edge0']");
  await r1.ctl("config", "commit");
  assert.deepEqual(await ports(), []);

  // r2 goes: said before, done with the commit, and its own session only.
  await r1.ctl("config", "delete", `/router/bgp/neighbors/neighbor[address='${OTHER}']`);
  const { consequences } = await r1.ctl<Committed>("config", "validate");
  assert.match(consequences[0]!.message, new RegExp(`this will reset the session with ${OTHER}`));
  await r1.ctl("config", "commit", "--confirmed", "8");
  await until("r2 forgets the agents", async () => (await found()) === undefined);
  await until("nobody confirms, so r2 is back", async () => (await found()) === "10.0.0.1");
  // It is done first, and in the log once it is on the disk.
  const newest = async () => (await r1.ctl<CommitEntry[]>("config", "log"))[0]!;
  await until("the log has it", async () => (await newest()).cause === "confirm-timeout");
  const last = await newest();

  // Everything back at once.
  await r1.ctl("config", "rollback", String(last.id - 1));
  assert.deepEqual(await r1.ctl<Change[]>("config", "compare", "candidate", "startup"), []);
  await r1.ctl("config", "commit");
  await until("r2 has nothing from r1", async () => (await found()) === undefined);
  assert.deepEqual(await r1.ctl<AgentRow[]>("show", "agents"), []);

  const bird = await peer(THEIRS);
  assert.deepEqual([bird?.state, bird!.local!.port + bird!.remote!.port], ["Established", begun]);
  const still = await establishedAt(theirs, birdControl);
  assertSameSession(still, since);
  t.diagnostic(`BIRD: ${still.line}`);
  return undefined;
});

const AGENT = [
  {
    ...{ id: "spiffe://example.net/acme/agent/a1", tenant: "acme" },
    capability: [{ name: "/vision/ocr", "major-version": 1, address: "fd00:a::1", port: 8080 }],
  },
];

/** What all sessions have in common, and what a neighbour is, change while BIRD looks. */
it("AS, router ID, port, graceful restart and brownfield change on a router that runs, as the commit says; BIRD sees each", {
  timeout: 120_000,
}, async (t) => {
  const reason = await missing(BIRD, "bird2");
  if (reason !== undefined) return t.skip(reason);
  const { ours, theirs } = await cable(t);
  const where = await folder(t);
  const [birdConfig, birdControl] = [join(where, "bird.conf"), join(where, "bird.ctl")];
  await writeFile(
    birdConfig,
    `router id 10.0.0.9;
protocol device { }
protocol bgp semrd {
  local ${THEIRS} port ${PORT} as 64999;
  neighbor ${OURS} port ${PORT} external;
  strict bind yes;
  connect delay time 1;
  connect retry time 1;
  error wait time 1, 1;
  ipv6 { import all; export none; };
}
`,
  );
  daemon(t, theirs, [BIRD, "-f", "-c", birdConfig, "-s", birdControl, "-P", join(where, "pid")]);
  const bird = (...words: string[]): Promise<string> => ask(theirs, "birdc", "-s", birdControl, ...words);
  const router = await started(t, ours, where, "r1", {
    ...bgp(OURS, { ...neighbor(THEIRS, "ipv6-unicast"), "remote-as": 64999 }),
    "semrd-dataplane:dataplane": { driver: "memory" },
    "semrd-agent:agents": { agent: AGENT },
  });
  const shows = async (what: string, said: RegExp): Promise<void> =>
    until(what, async () => said.test(await bird("show", "protocols", "all", "semrd")));
  await shows("the session", /Established[\s\S]*Neighbor AS: +65000/);
  /** Sets one leaf, and returns what the commit says. */
  const set = async (path: string, ...value: string[]): Promise<string> => {
    await router.ctl("config", "set", `/router${path}`, ...value);
    const said = await router.ctl<Committed>("config", "commit");
    return said.consequences.map(({ message }) => message).join();
  };

  const reset = `this will reset the session with ${THEIRS}`;
  await router.ctl("config", "set", "/router/bgp/local-as", "65007");
  const inOpen = "it is part of the OPEN message";
  const [beforehand] = (await router.ctl<Committed>("config", "validate")).consequences;
  assert.equal(beforehand!.message, `${reset} (local-as: ${inOpen})`);
  assert.equal(await set("/router-id", "10.0.0.77"), `${reset} (local-as: ${inOpen}; router-id: ${inOpen})`);
  await shows("the new AS and identifier", /Established[\s\S]*Neighbor AS: +65007[\s\S]*Neighbor ID: +10.0.0.77/);

  const next = (leaf: string): string =>
    `${leaf}: from the next session with ${THEIRS} on; 'semrctl clear peer ${THEIRS}' begins one now`;
  assert.equal(await set("/bgp/graceful-restart/restart-time", "77"), next("graceful-restart"));
  assert.doesNotMatch(await bird("show", "protocols", "all", "semrd"), /Restart time: 77/);
  await router.ctl("clear", "peer", THEIRS);
  await shows("the restart time", /Established[\s\S]*Restart time: 77/);

  const session = async () => {
    const [{ state, local, remote }] = (await router.ctl<PeerRow[]>("show", "peers")) as [PeerRow];
    return [state, local!.port, remote!.port];
  };
  const [begun, since] = [await session(), await establishedAt(theirs, birdControl)];
  assert.equal(await set("/bgp/port", String(PORT + 1)), "");
  const sockets = await ask(ours, "ss", "-Hltn");
  assert.match(sockets, new RegExp(`\\[${OURS}\\]:${PORT + 1}\\b`));
  assert.doesNotMatch(sockets, new RegExp(`\\[${OURS}\\]:${PORT}\\b`));
  await router.ctl("config", "set", "/router/bgp/address", "2001:db8::77");
  await assert.rejects(router.ctl("config", "commit"), /cannot listen for BGP.*no interface has this address/);
  await router.ctl("config", "discard");
  assert.deepEqual(await session(), begun, "the session stays");
  assertSameSession(await establishedAt(theirs, birdControl), since);

  assert.match(await set(`/bgp/neighbors/neighbor[address='${THEIRS}']/brownfield/no-export`, "false"), /will reset/);
  await until("BIRD has the agent's capability as prefixes", async () =>
    /fd5e:3d00:1:[\s\S]*\/128/.test(await bird("show", "route", "all")),
  );
  const routes = await bird("show", "route", "all");
  assert.match(routes, /BGP.large_community:.*\(65007, 1392508932/);
  t.diagnostic(routes.split("\n").slice(1, 12).join("\n"));

  // A gateway: what another router has, which says nothing to BIRD itself, is there at the address of any site.
  await ask(theirs, "ip", "address", "add", `${OTHER}/64`, "dev", "wire", "nodad");
  const inside = (address: string, port: number): object => ({ ...{ address, port }, "remote-as": 65007 });
  await started(t, theirs, where, "r2", {
    "semrd-bgp:bgp": {
      ...{ "local-as": 65007, address: OTHER, port: PORT, "connect-retry": 1 },
      neighbors: { neighbor: [inside(OURS, PORT + 1)] },
    },
    "semrd-dataplane:dataplane": { driver: "memory" },
    "semrd-agent:agents": { agent: AGENT },
  });
  await router.ctl("config", "delete", "/router/agents");
  await router.edit({
    "semrd-bgp:bgp": {
      neighbors: { neighbor: [inside(OTHER, PORT)] },
      "semrd-brownfield:brownfield": { gateway: true },
    },
  });
  await router.ctl("config", "commit");
  // The mark of r2, whose router ID is 10.0.0.2, and 0x20 in its flags: said by another one.
  const RELAYED = /:0\/128 [\s\S]*\(generic, 0x83530120, 0xa000002\)/;
  await until("r2's capability at BIRD", async () => RELAYED.test(await bird("show", "route", "all")));
  assert.equal((await bird("show", "route")).match(/\/128/g)?.length, 1);
  t.diagnostic((await bird("show", "route", "all")).split("\n").slice(1, 12).join("\n"));

  await router.ctl("config", "delete", `/router/bgp/neighbors/neighbor[address='${THEIRS}']/brownfield`);
  await router.ctl("config", "commit");
  await until("nothing of it", async () => !/\/128/.test(await bird("show", "route")));
  return undefined;
});

async function started(
  t: TestContext,
  namespace: string,
  where: string,
  name: string,
  changes: object,
  begun: (running: Daemon) => void = () => {},
) {
  const file = join(where, `${name}.json`);
  await writeFile(file, JSON.stringify(configuration(name, where, changes)));
  const running = daemon(t, namespace, [program("semrd"), "--config", file]);
  begun(running);
  await until(
    () => `${name} runs:\n${running.output}`,
    () => running.output.includes('"event":"router.running"'),
  );
  const socket = join(where, `${name}.sock`);
  const ctl = async <T>(...words: string[]): Promise<T> => (await semrctlJson(socket, words)) as T;
  return {
    ctl,
    async edit(router: object): Promise<void> {
      const edit = join(where, `${name}-edit.json`);
      await writeFile(edit, JSON.stringify({ "semrd-router:router": router }));
      await ctl("config", "edit", edit);
    },
  };
}

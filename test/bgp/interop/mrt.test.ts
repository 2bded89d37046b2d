import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createReadStream, existsSync } from "node:fs";
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { it, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { readRoutes } from "../../../src/bgp/mrt/index.ts";
import {
  ask,
  cable,
  daemon,
  folder,
  missing,
  OURS,
  originate,
  PORT,
  semrd,
  semrdConfiguration,
  THEIRS,
  until,
} from "./lab.ts";

const [BIRD, BGPD] = ["/usr/sbin/bird", "/usr/lib/frr/bgpd"];
const run = promisify(execFile);
const program = (name: string): string => fileURLToPath(new URL(`../../../tools/${name}`, import.meta.url));

/** BIRD in `namespace` with static routes, told to neighbours that connect. */
async function bird(
  t: TestContext,
  namespace: string,
  where: string,
  more = "",
): Promise<(...words: string[]) => Promise<string>> {
  const [config, control] = [join(where, "bird.conf"), join(where, "bird.ctl")];
  const v6 = Array.from({ length: 20 }, (_, n) => `route 2001:db8:${(n + 16).toString(16)}::/48 unreachable;`);
  const v4 = Array.from({ length: 20 }, (_, n) => `route 10.${n}.0.0/16 unreachable;`);
  await writeFile(
    config,
    `router id 10.0.0.2;
protocol device { }
protocol static { ipv6; ${v6.join(" ")} }
protocol static four { ipv4; ${v4.join(" ")} }
${more}
`,
  );
  daemon(t, namespace, [BIRD, "-f", "-c", config, "-s", control, "-P", join(where, "pid")]);
  return (...words) => ask(namespace, "/usr/sbin/birdc", "-s", control, ...words);
}

const BIRD_SESSION = `protocol bgp semrd {
  local ${THEIRS} port ${PORT} as 65000;
  neighbor ${OURS} port ${PORT} as 65000;
  passive on;
  ipv6 { import all; export where source = RTS_STATIC; };
  ipv4 { extended next hop on; import all; export where source = RTS_STATIC; };
}`;

it("a whole router writes tables and messages of its session with BIRD: bgpdump reads them", async (t) => {
  const reason = await missing(BIRD, "bird2");
  if (reason !== undefined) return t.skip(reason);
  if (!existsSync("/usr/bin/bgpdump")) return t.skip("skipped: bgpdump is missing (apt-get install bgpdump)");
  const { ours, theirs } = await cable(t);
  const where = await folder(t);
  await bird(t, theirs, where, BIRD_SESSION);
  const socket = join(where, "semrd.sock");
  const files = join(where, "mrt");
  const families = [{ name: "ipv6-unicast" }, { name: "ipv4-unicast" }];
  const configuration = semrdConfiguration(where, socket, families) as Record<string, Record<string, unknown>>;
  configuration["semrd-router:router"]!["semrd-mrt:mrt"] = {
    "update-log": [{ name: "sessions", folder: files, neighbor: [THEIRS] }],
  };
  const file = join(where, "semrd.json");
  await writeFile(file, JSON.stringify(configuration));
  const whole = daemon(t, ours, [program("semrd"), "--config", file]);
  const semrctl = (...words: string[]): Promise<string> =>
    ask(ours, program("semrctl"), "--json", "--socket", socket, ...words);
  const count = async (family: string): Promise<number> => {
    try {
      return (JSON.parse(await semrctl("show", "routes", "--family", family)) as unknown[]).length;
    } catch {
      return 0; // not listening yet
    }
  };
  await until("all prefixes", async () => (await count("ipv6-unicast")) === 20 && (await count("ipv4-unicast")) === 20);

  const dump = join(where, "rib.mrt");
  await semrctl("dump", "mrt", "--file", dump);
  const table = (await run("bgpdump", ["-v", "-m", dump])).stdout.trim().split("\n");
  assert.equal(table.length, 40, table.slice(0, 3).join("\n"));
  assert.ok(
    table.some((line) => line.includes(`|B|${THEIRS}|65000|2001:db8:10::/48|`)),
    table[0],
  );
  assert.ok(table.some((line) => line.includes("|10.3.0.0/16|")));
  t.diagnostic(`bgpdump: ${table[0]}`);

  type Row = { name: string; records: string; lost: string };
  await until(
    "records on the disk",
    async () => Number((JSON.parse(await semrctl("show", "mrt")) as [Row])[0].records) > 4,
  );
  await whole.kill("SIGTERM");
  const [log, ...others] = (await readdir(files)).filter((name) => name.endsWith(".mrt"));
  assert.deepEqual(others, []);
  const heard = (await run("bgpdump", ["-v", "-m", join(files, log!)])).stdout;
  assert.match(heard, /\|STATE\|[^|]+\|65000\|5\|6/);
  assert.equal(heard.match(/\|A\|/g)?.length, 40);

  return undefined;
});

/** A replay that is done, and keeps its session. */
async function replay(
  t: TestContext,
  namespace: string,
  ...words: string[]
): Promise<{ readonly said: string; end(): Promise<void> }> {
  const running = daemon(t, namespace, [program("semrd"), "mrt", "replay", ...words]);
  await until("the replay", () => running.output.includes("\n"));
  return { said: running.output, end: () => running.kill("SIGTERM") };
}

it("a table that BIRD wrote is replayed to BIRD, with a limit and at a pace", async (t) => {
  const reason = await missing(BIRD, "bird2");
  if (reason !== undefined) return t.skip(reason);
  const { ours, theirs } = await cable(t);
  const where = await folder(t);
  const session = BIRD_SESSION.replaceAll("export where source = RTS_STATIC", "export none");
  const asked = await bird(t, theirs, where, session);
  const router = await semrd(t, ours);
  originate(router, "ipv6-unicast", 0x2a, 0, 30, { communities: [0xfde80001], multiExitDisc: 7 });
  originate(router, "ipv4-unicast", 42, 0, 30);
  const learnt = async (table: string): Promise<number> => {
    const said = await asked("show", "route", "table", table, "protocol", "semrd", "count").catch(() => "");
    return Number(/^(\d+) of/m.exec(said)?.[1] ?? -1);
  };
  await until("routes with BIRD", async () => (await learnt("master6")) === 30 && (await learnt("master4")) === 30);
  const tables = join(where, "tables");
  await asked("mrt", "dump", "table", `"master*"`, "to", `"${tables}.%N"`);
  await until("both tables", () => existsSync(`${tables}.master6`) && existsSync(`${tables}.master4`));
  await router.speaker.stop({ restart: false });
  await until("no routes", async () => (await learnt("master6")) === 0);

  const options = [
    "--to",
    THEIRS,
    "--port",
    String(PORT),
    "--source",
    OURS,
    "--local-as",
    "65000",
    "--peer-as",
    "65000",
  ];
  const limited = await replay(t, ours, `${tables}.master6`, ...options, "--pace", "200", "--limit", "15");
  t.diagnostic(limited.said.trim());
  assert.match(limited.said, /^15 routes with the peer, which is Established; .* 15 routes announced, 0 withdrawn/);
  assert.equal(await learnt("master6"), 15);
  assert.match(await asked("show", "route", "2a00:0:0:1::/64", "all"), /BGP.community: \(65000,1\)/);
  await limited.end();
  await until("no routes", async () => (await learnt("master6")) === 0);
  const whole = await replay(t, ours, `${tables}.master6`, ...options, "--from", OURS);
  t.diagnostic(whole.said.trim());
  assert.match(whole.said, /^30 routes with the peer, .* 30 routes announced, .* 0 malformed, 0 UPDATEs refused/);
  assert.equal(await learnt("master6"), 30);
  await whole.end();
  return undefined;
});

it("a table and messages that FRR wrote are read to the last route", async (t) => {
  const reason = await missing(BGPD, "frr");
  if (reason !== undefined) return t.skip(reason);
  const { ours, theirs } = await cable(t);
  const where = await folder(t);
  await writeFile(
    join(where, "bgpd.conf"),
    `hostname them
dump bgp updates ${join(where, "frr.updates")}
router bgp 65001
 bgp router-id 10.0.0.2
 no bgp ebgp-requires-policy
 no bgp network import-check
 no bgp default ipv4-unicast
 neighbor ${OURS} remote-as 65000
 neighbor ${OURS} port ${PORT}
 neighbor ${OURS} timers connect 1
 neighbor ${OURS} capability extended-nexthop
 address-family ipv6 unicast
  network 2001:db8:7::/48
  neighbor ${OURS} activate
 exit-address-family
 address-family ipv4 unicast
  network 10.7.0.0/16
  neighbor ${OURS} activate
 exit-address-family
`,
  );
  const argv = [BGPD, "-n", "-Z", "-S", "-f", join(where, "bgpd.conf"), "-i", join(where, "bgpd.pid")];
  daemon(t, theirs, [...argv, "--vty_socket", where, "-P", "0", "-p", String(PORT), "-l", THEIRS]);
  const router = await semrd(t, ours, { peer: { remoteAs: 65001, passive: true }, speaker: { acceptExternal: true } });
  originate(router, "ipv6-unicast", 0x2a, 0, 20, { communities: [0xfde80001] });
  originate(router, "ipv4-unicast", 42, 0, 20);
  const show = (...words: string[]): Promise<string> =>
    ask(theirs, "vtysh", "--vty_socket", where, "-d", "bgpd", ...words.flatMap((word) => ["-c", word]));
  const paths = async (afi: string): Promise<number> => {
    const said = await show(`show bgp ${afi} unicast json`).catch(() => "{}");
    return Object.keys((JSON.parse(said) as { routes?: object }).routes ?? {}).length;
  };
  await until("routes with FRR", async () => (await paths("ipv6")) === 21 && (await paths("ipv4")) === 21);
  const dump = join(where, "frr.mrt");
  await show("configure terminal", `dump bgp routes-mrt ${dump}`);
  const counts = { records: 0, updates: 0, skipped: 0, malformed: 0 };
  const updates = async (): Promise<number> => {
    Object.assign(counts, { records: 0, updates: 0, skipped: 0, malformed: 0 });
    try {
      for await (const _ of readRoutes(createReadStream(dump), counts));
    } catch {
      return 0; // not there, or not whole yet
    }
    return counts.updates;
  };
  await until(
    () => `all routes of FRR's dump: ${JSON.stringify(counts)}`,
    async () => (await updates()) === 42,
  );
  assert.deepEqual(counts, { records: 43, updates: 42, skipped: 0, malformed: 0 });

  // And its log of messages: what came from us and what was sent, OPENs and changes of state besides.
  const log = { records: 0, updates: 0, skipped: 0, malformed: 0 };
  for await (const { asWidth } of readRoutes(createReadStream(join(where, "frr.updates")), log))
    assert.equal(asWidth, 4);
  t.diagnostic(`messages of FRR: ${JSON.stringify(log)}`);
  assert.ok(log.updates >= 2, JSON.stringify(log));
  assert.equal(log.malformed, 0);
  return undefined;
});

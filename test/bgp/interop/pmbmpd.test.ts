import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { it } from "node:test";
import { fileURLToPath } from "node:url";
import { cable, daemon, folder, missing, OURS, PORT, semrdConfiguration, THEIRS, until } from "./lab.ts";

const BIRD = "/usr/sbin/bird";
const COLLECTOR = "/usr/sbin/pmbmpd";
const program = (name: string): string => fileURLToPath(new URL(`../../../tools/${name}`, import.meta.url));
const STATION_PORT = 11019;
const ROUTES = 12;

/** A line of what the collector has written about a message. */
interface Line {
  readonly bmp_msg_type?: string;
  readonly log_type?: string;
  readonly ip_prefix?: string;
  readonly bgp_nexthop?: string;
  readonly comms?: string;
  readonly is_post?: number;
  readonly is_loc?: number;
  readonly bmp_init_info_sysname?: string;
  readonly counter_type?: number;
  readonly counter_value?: number | string;
}

/** pmacct's collector, which nobody of this project wrote: what it makes of what a router says that has BIRD as neighbour. */
it("pmbmpd takes what semrd tells of its session with BIRD", async (t) => {
  const reason = (await missing(BIRD, "bird2")) ?? (await missing(COLLECTOR, "pmacct"));
  if (reason !== undefined) return t.skip(reason);
  const { ours, theirs } = await cable(t);
  const where = await folder(t);
  const [socket, file, log] = ["semrd.sock", "semrd.json", "bmp.log"].map((name) => join(where, name)) as [
    string,
    string,
    string,
  ];
  const routes = Array.from({ length: ROUTES }, (_, n) => `route 2001:db8:${n + 1}::/48 unreachable;`).join(" ");
  await writeFile(
    join(where, "bird.conf"),
    `router id 10.0.0.2;
protocol device { }
protocol static { ipv6; ${routes} }
protocol bgp semrd {
  local ${THEIRS} port ${PORT} as 65000;
  neighbor ${OURS} port ${PORT} as 65000;
  connect delay time 1;
  error wait time 1, 2;
  ipv6 { import all; export filter {
    if source != RTS_STATIC then reject;
    bgp_community.add((65000, 7));
    accept;
  }; };
}
`,
  );
  await writeFile(
    join(where, "pmbmpd.conf"),
    `daemonize: false
logfile: ${join(where, "pmbmpd.log")}
bmp_daemon_ip: ${THEIRS}
bmp_daemon_port: ${STATION_PORT}
bmp_daemon_max_peers: 4
bmp_daemon_msglog_file: ${log}
bmp_daemon_msglog_output: json
`,
  );
  const configuration = semrdConfiguration(where, socket, [{ name: "ipv6-unicast" }]) as {
    "semrd-router:router": Record<string, unknown>;
  };
  const station = {
    ...{ name: "noc", address: THEIRS, port: STATION_PORT, "connect-retry": 1, "statistics-interval": 5 },
    table: ["pre-policy", "post-policy", "loc-rib"],
  };
  configuration["semrd-router:router"]["semrd-bmp:bmp"] = { station: [station] };
  await writeFile(file, JSON.stringify(configuration));
  const files = ["-c", join(where, "bird.conf"), "-s", join(where, "bird.ctl"), "-P", join(where, "pid")];
  daemon(t, theirs, [BIRD, "-f", ...files]);
  daemon(t, theirs, [COLLECTOR, "-f", join(where, "pmbmpd.conf")]);
  const semrd = daemon(t, ours, [program("semrd"), "--config", file]);
  const lines = async (): Promise<Line[]> => {
    const text = await readFile(log, "utf8").catch(() => "");
    return text
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Line);
  };
  const kinds = (said: readonly Line[]): Set<string> => new Set(said.map(({ bmp_msg_type }) => bmp_msg_type ?? ""));
  let said: Line[] = [];
  await until(
    () => `messages of all kinds, but ${[...kinds(said)]}`,
    async () => {
      said = await lines();
      const all = kinds(said);
      const isCounted = said.some(({ counter_type, is_loc }) => counter_type === 8 && is_loc === 1);
      return isCounted && ["init", "peer_up", "route_monitor", "stats"].every((kind) => all.has(kind));
    },
  );
  const told = (of: (line: Line) => boolean): string[] =>
    said
      .filter((line) => line.bmp_msg_type === "route_monitor" && line.log_type === "update" && of(line))
      .map(({ ip_prefix, bgp_nexthop, comms }) => `${ip_prefix} ${bgp_nexthop} ${comms}`)
      .sort();
  const all = Array.from({ length: ROUTES }, (_, n) => `2001:db8:${n + 1}::/48 ${THEIRS} 65000:7`).sort();
  assert.deepEqual(
    told(({ is_post, is_loc }) => is_post === 0 && is_loc !== 1),
    all,
    "before policy",
  );
  assert.deepEqual(
    told(({ is_post }) => is_post === 1),
    all,
    "after policy",
  );
  assert.deepEqual(
    told(({ is_loc }) => is_loc === 1),
    all,
    "the best ones (RFC 9069)",
  );
  assert.equal(said.find(({ bmp_msg_type }) => bmp_msg_type === "init")?.bmp_init_info_sysname, "r1");
  /** RFC 7854 §4.8, RFC 9069 §4.5: routes of the neighbour, and of the table. */
  const counts = (type: number, family: (line: Line) => boolean): number[] =>
    said
      .filter((line) => line.bmp_msg_type === "stats" && line.counter_type === type && family(line))
      .map(({ counter_value: value }) => Number(value));
  assert.deepEqual(counts(7, () => true).at(-1), ROUTES, "Adj-RIB-In");
  assert.deepEqual(counts(8, ({ is_loc }) => is_loc === 1).at(-1), ROUTES, "Loc-RIB");
  t.diagnostic(`pmbmpd: ${said.length} messages; ${[...kinds(said)].filter((kind) => kind !== "").join(", ")}`);
  await semrd.kill("SIGTERM");
  await until("termination", async () => kinds(await lines()).has("term"));
  assert.doesNotMatch(await readFile(join(where, "pmbmpd.log"), "utf8"), /\b(?:WARN|ERROR)\b/);
  return undefined;
});

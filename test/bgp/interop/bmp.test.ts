import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { it } from "node:test";
import { fileURLToPath } from "node:url";
import type { BmpStationRow } from "../../../src/management/index.ts";
import { dissect, TSHARK } from "../bmp/capture.ts";
import { decodeBmp, type Said } from "../bmp/decode.ts";
import { ask, cable, daemon, folder, missing, OURS, PORT, semrdConfiguration, THEIRS, until } from "./lab.ts";

const BIRD = "/usr/sbin/bird";
const program = (name: string): string => fileURLToPath(new URL(`../../../tools/${name}`, import.meta.url));
const COLLECTOR = fileURLToPath(new URL("../bmp/collector.ts", import.meta.url));
const STATION_PORT = 11019;

/** The whole program with BIRD as neighbour and a station on BIRD's side: what tshark makes of what the station was told. */
it("semrd tells a station of its session with BIRD, before and after policy and of the best routes", async (t) => {
  const reason = await missing(BIRD, "bird2");
  if (reason !== undefined) return t.skip(reason);
  const { ours, theirs } = await cable(t);
  const where = await folder(t);
  const [heard, socket, file] = ["heard", "semrd.sock", "semrd.json"].map((name) => join(where, name)) as [
    string,
    string,
    string,
  ];
  await writeFile(
    join(where, "bird.conf"),
    `router id 10.0.0.2;
protocol device { }
protocol static { ipv6; ${Array.from({ length: 30 }, (_, n) => `route 2001:db8:${n}::/48 unreachable;`).join(" ")} }
protocol static four { ipv4; route 10.1.0.0/16 unreachable; route 10.2.0.0/16 unreachable; }
protocol bgp semrd {
  local ${THEIRS} port ${PORT} as 65000;
  neighbor ${OURS} port ${PORT} as 65000;
  connect delay time 1;
  error wait time 1, 2;
  ipv6 { import all; export where source = RTS_STATIC; };
  ipv4 { extended next hop on; import all; export where source = RTS_STATIC; };
}
`,
  );
  const configuration = semrdConfiguration(where, socket, [{ name: "ipv6-unicast" }, { name: "ipv4-unicast" }]) as {
    "semrd-router:router": Record<string, unknown>;
  };
  const station = {
    name: "noc",
    address: THEIRS,
    port: STATION_PORT,
    "connect-retry": 1,
    table: ["pre-policy", "post-policy", "loc-rib"],
    "statistics-interval": 5,
  };
  configuration["semrd-router:router"]["semrd-bmp:bmp"] = { station: [station] };
  await writeFile(file, JSON.stringify(configuration));
  daemon(t, theirs, [
    BIRD,
    "-f",
    "-c",
    join(where, "bird.conf"),
    "-s",
    join(where, "bird.ctl"),
    "-P",
    join(where, "pid"),
  ]);
  const semrd = daemon(t, ours, [program("semrd"), "--config", file]);
  const rows = async (): Promise<readonly BmpStationRow[]> => {
    try {
      const said = await ask(ours, program("semrctl"), "--json", "--socket", socket, "show", "bmp");
      return JSON.parse(said) as readonly BmpStationRow[];
    } catch {
      return []; // not listening yet
    }
  };
  await until("a station that cannot be reached", async () => (await rows())[0]?.lastError !== undefined);
  daemon(t, theirs, [process.execPath, COLLECTOR, THEIRS, String(STATION_PORT), heard]);
  let said: Said[] = [];
  const updates = (of: (one: Said) => boolean): number =>
    said.filter((one) => one.type === "route-monitoring" && of(one) && one.update!.length > 40).length;
  const isTold = (): boolean =>
    updates(({ peer, postPolicy }) => peer !== "loc-rib" && postPolicy === false) > 0 &&
    updates(({ peer, postPolicy }) => peer !== "loc-rib" && postPolicy === true) > 0 &&
    updates(({ peer }) => peer === "loc-rib") > 0 &&
    said.some(({ statistics }) => statistics?.get(7) === 32n) &&
    said.some(({ peer, statistics }) => peer === "loc-rib" && statistics?.get(8) === 32n);
  await until(
    () => `everything; but ${said.map(({ type }) => type).join(" ")}`,
    async () => {
      said = existsSync(heard) ? decodeBmp(await readFile(heard)) : [];
      return isTold();
    },
  );
  const [row] = await rows();
  assert.deepEqual([row!.state, row!.peers, row!.resyncs, row!.lastError], ["up", 1, "0", undefined]);
  t.diagnostic(await ask(ours, program("semrctl"), "--socket", socket, "show", "bmp"));
  await semrd.kill("SIGTERM");
  await until("termination", async () => {
    said = decodeBmp(await readFile(heard));
    return said.at(-1)!.type === "termination";
  });
  if (!existsSync(TSHARK)) return t.skip("skipped: tshark is missing (apt-get install tshark)");
  const octets = await readFile(heard);
  const { rows: packets, wrong } = await dissect(join(where, "bmp.pcap"), octets, STATION_PORT, [
    "bmp.type",
    "bgp.mp_reach_nlri_ipv6_prefix",
  ]);
  assert.deepEqual(
    wrong.split("\n").filter((line) => line !== "" && !line.includes("Unknown SAFI (251)")),
    [],
  );
  assert.equal(packets.filter(([type]) => type !== "").length, said.length);
  const prefixes = new Set(packets.flatMap(([, found]) => (found ?? "").split(",")).filter((text) => text !== ""));
  t.diagnostic(`tshark: ${said.length} messages, ${prefixes.size} IPv6 prefixes, none malformed`);
  assert.ok(prefixes.size >= 30, [...prefixes].join(" "));
  return undefined;
});

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { it } from "node:test";
import { fileURLToPath } from "node:url";
import type { RpkiCacheRow, UnicastRouteRow, VrpRow } from "../../../src/management/index.ts";
import { ask, cable, daemon, folder, missing, OURS, PORT, semrdConfiguration, THEIRS, until } from "./lab.ts";

const [BIRD, STAYRTR] = ["/usr/sbin/bird", "/usr/bin/stayrtr"];
const program = (name: string): string => fileURLToPath(new URL(`../../../tools/${name}`, import.meta.url));

/**
 * The whole program with stayrtr as cache and BIRD as neighbour: invalid routes are refused, the least preferred are those of which nothing
 * is known, and when the cache says something else the neighbour is asked again.
 */
it("semrd, stayrtr and BIRD: routes follow what the cache says", async (t) => {
  const reason =
    (await missing(BIRD, "bird2")) ??
    (existsSync(STAYRTR) ? undefined : "skipped: stayrtr is missing (apt-get install stayrtr)");
  if (reason !== undefined) return t.skip(reason);
  const { ours, theirs } = await cable(t);
  const where = await folder(t);
  const [file, vrps, socket] = ["semrd.json", "vrps.json", "semrd.sock"].map((name) => join(where, name)) as [
    string,
    string,
    string,
  ];
  await writeFile(
    join(where, "bird.conf"),
    `router id 10.0.0.2;
protocol device { }
protocol static { ipv6; route 2001:db8:1::/48 unreachable; route 2001:db8:2::/48 unreachable; route 2001:db8:3::/48 unreachable; }
protocol bgp semrd {
  local ${THEIRS} port ${PORT} as 65002;
  neighbor ${OURS} port ${PORT} as 65000;
  connect delay time 1;
  error wait time 1, 2;
  ipv6 { import all; export where source = RTS_STATIC; };
}
`,
  );
  const roas = (...list: readonly [string, number][]): Promise<void> =>
    writeFile(
      vrps,
      JSON.stringify({ roas: list.map(([prefix, asn]) => ({ prefix, maxLength: 48, asn: `AS${asn}` })) }),
    );
  await roas(["2001:db8:1::/48", 65002], ["2001:db8:2::/48", 65009]);
  daemon(t, theirs, [
    STAYRTR,
    "-bind",
    `[${THEIRS}]:8282`,
    "-cache",
    vrps,
    "-checktime=false",
    "-metrics.addr",
    "",
    "-refresh",
    "1",
    "-loglevel",
    "error",
  ]);

  const configuration = semrdConfiguration(where, socket, [{ name: "ipv6-unicast" }]) as {
    "semrd-router:router": Record<string, unknown> & {
      "semrd-bgp:bgp": { neighbors: { neighbor: Record<string, unknown>[] } };
    };
  };
  const router = configuration["semrd-router:router"];
  const [neighbor] = router["semrd-bgp:bgp"].neighbors.neighbor;
  Object.assign(neighbor!, { "remote-as": 65002, "import-policy": ["origins"] });
  const statement = (name: string, state: string, actions: object): object => ({
    name,
    conditions: { "semrd-rpki:rpki-state": [state] },
    actions,
  });
  router["semrd-rpki:rpki"] = { cache: [{ name: "near", address: THEIRS, port: 8282 }] };
  router["semrd-policy:routing-policy"] = {
    "policy-definitions": {
      "policy-definition": [
        {
          name: "origins",
          statements: {
            statement: [
              statement("invalid", "invalid", { "policy-result": "reject-route" }),
              statement("valid", "valid", { "set-local-preference": 200, "policy-result": "accept-route" }),
              statement("unknown", "not-found", { "set-local-preference": 50, "policy-result": "accept-route" }),
            ],
          },
        },
      ],
    },
  };
  await writeFile(file, JSON.stringify(configuration));
  daemon(t, ours, [program("semrd"), "--config", file]);
  const semrctl = async <T>(...words: string[]): Promise<readonly T[]> => {
    try {
      return JSON.parse(await ask(ours, program("semrctl"), "--json", "--socket", socket, ...words)) as readonly T[];
    } catch {
      return []; // not listening yet
    }
  };
  await until("the cache's data", async () => (await semrctl<VrpRow>("show", "rpki", "--vrps")).length === 2);
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
  const routes = async (): Promise<string[]> =>
    (await semrctl<UnicastRouteRow>("show", "routes", "--family", "ipv6-unicast"))
      .map(({ prefix, localPref, rpki }) => `${prefix} ${localPref} ${rpki}`)
      .sort();
  let seen: string[] = [];
  const become = (wanted: readonly string[]): Promise<void> =>
    until(
      () => `${wanted.join(", ")}; but ${seen.join(", ")}`,
      async () => {
        seen = await routes();
        return JSON.stringify(seen) === JSON.stringify(wanted);
      },
    );
  await become(["2001:db8:1::/48 200 valid", "2001:db8:3::/48 50 not-found"]);
  // One that was refused may come now, one that was accepted may not, and of the third something is known.
  await roas(["2001:db8:1::/48", 65009], ["2001:db8:2::/48", 65002], ["2001:db8:3::/48", 65002]);
  await become(["2001:db8:2::/48 200 valid", "2001:db8:3::/48 200 valid"]);
  const [cache] = await semrctl<RpkiCacheRow>("show", "rpki");
  assert.deepEqual([cache!.state, cache!.version, cache!.counts, cache!.vrps], ["synchronised", 1, true, "3"]);
  t.diagnostic(await ask(ours, program("semrctl"), "--socket", socket, "show", "rpki"));
  t.diagnostic(await ask(ours, program("semrctl"), "--socket", socket, "show", "routes", "--family", "ipv6-unicast"));
  return undefined;
});

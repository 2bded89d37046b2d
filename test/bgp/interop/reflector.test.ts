import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { it, type TestContext } from "node:test";
import { promisify } from "node:util";
import { loadNative } from "../../../native/index.ts";
import { parseIpv6, seconds } from "../../../src/base/index.ts";
import { createNetTransport, type PeerOptions } from "../../../src/bgp/speaker/index.ts";
import { systemClock as clock } from "../../../src/host/index.ts";
import { Router } from "../speaker/router.ts";
import {
  address,
  ask,
  cable,
  daemon,
  folder,
  LENGTH,
  learnt,
  missing,
  OURS,
  originate,
  PORT,
  prefixText,
  semrd,
  THEIRS,
  until,
} from "./lab.ts";

const run = promisify(execFile);
const FAMILY = "ipv6-unicast";
const AS = 65000;
const BIRD = "/usr/sbin/bird";
const BGPD = "/usr/lib/frr/bgpd";
const FRR_AT = "fd5e:b6c::3";
/** Clients of ours, which announce the same prefix, and what each daemon announces. */
const SOURCES = [11, 12];
const at = (n: number): string => `fd5e:b6c::${n}`;
const [SHARED, BIRDS, FRRS] = [0x2a, 0x20, 0x21];
const SHARED_PREFIX = prefixText(FAMILY, SHARED, 1);
const PROVIDER = 64777;

const several = [{ family: FAMILY, addPath: { send: "all", receive: true } }] as const;
const plain = [{ family: FAMILY }] as const;

function client(of: string, families: PeerOptions["families"]): PeerOptions {
  const timers = { holdTime: seconds(30), connectRetry: seconds(1), maximumBackOff: seconds(2) };
  return {
    address: of,
    port: PORT,
    remoteAs: AS,
    passive: false,
    reflectorClient: true,
    families: families!,
    ...timers,
  };
}

async function source(t: TestContext, ours: string, n: number): Promise<Router> {
  await run("ip", ["-n", ours, "address", "add", `${at(n)}/64`, "dev", "wire", "nodad"]);
  const transport = createNetTransport({ clock, sock: loadNative().sock, namespace: `/run/netns/${ours}` });
  const { reflectorClient: _, ...reflector } = client(OURS, plain);
  const router = await Router.start(
    { address: at(n), identifier: `10.0.0.${n}`, port: PORT, localAs: AS, peers: [reflector] },
    { clock, transport, seed: 1 },
  );
  t.after(() => router[Symbol.asyncDispose]());
  originate(router, FAMILY, SHARED, 1, 2, { nextHop: parseIpv6(at(n))!, onlyToCustomer: PROVIDER });
  return router;
}

/** A reflector between two routers of ours, BIRD and FRR: the daemons are told all paths. */
it("BIRD and FRR as clients of a reflector that tells them all paths", async (t) => {
  const reason = (await missing(BIRD, "bird2")) ?? (await missing(BGPD, "frr"));
  if (reason !== undefined) return t.skip(reason);
  const { ours, theirs } = await cable(t);
  await run("ip", ["-n", theirs, "address", "add", `${FRR_AT}/64`, "dev", "wire", "nodad"]);
  const where = await folder(t);
  const [config, control] = [join(where, "bird.conf"), join(where, "bird.ctl")];
  await writeFile(
    config,
    `router id 10.0.0.2;
protocol device { }
protocol static { ipv6; route ${prefixText(FAMILY, BIRDS, 1)} unreachable; }
protocol bgp semrd {
  local ${THEIRS} port ${PORT} as ${AS};
  strict bind yes;
  neighbor ${OURS} port ${PORT} as ${AS};
  hold time 30; connect delay time 1; connect retry time 1; error wait time 1, 2;
  ipv6 { add paths on; import all; export where source = RTS_STATIC; };
}
`,
  );
  await writeFile(
    join(where, "bgpd.conf"),
    `hostname frr
password x
router bgp ${AS}
 bgp router-id 10.0.0.3
 no bgp network import-check
 no bgp default ipv4-unicast
 timers bgp 10 30
 neighbor ${OURS} remote-as ${AS}
 neighbor ${OURS} port ${PORT}
 neighbor ${OURS} timers connect 1
 neighbor ${OURS} update-source ${FRR_AT}
 address-family ipv6 unicast
  network ${prefixText(FAMILY, FRRS, 1)}
  neighbor ${OURS} activate
  neighbor ${OURS} addpath-tx-all-paths
 exit-address-family
`,
  );
  daemon(t, theirs, [BIRD, "-f", "-c", config, "-s", control, "-P", join(where, "pid")]);
  const argv = [BGPD, "-n", "-Z", "-S", "-f", join(where, "bgpd.conf"), "-i", join(where, "bgpd.pid")];
  daemon(t, theirs, [...argv, "--vty_socket", where, "-P", "0", "-p", String(PORT), "-l", FRR_AT]);
  const tell = async (...words: string[]): Promise<string> => {
    try {
      return await ask(theirs, "birdc", "-s", control, ...words);
    } catch {
      return ""; // not listening yet, or "Network not found"
    }
  };
  const show = (words: string): Promise<string> =>
    ask(theirs, "vtysh", "--vty_socket", where, "-d", "bgpd", "-c", words);

  const reflector = await semrd(t, ours, { peer: { reflectorClient: true, families: several } });
  reflector.speaker.addPeer({ ...client(FRR_AT, several), updateSource: OURS });
  for (const n of SOURCES) reflector.speaker.addPeer({ ...client(at(n), plain), passive: true, updateSource: OURS });
  const sources = [await source(t, ours, 11), await source(t, ours, 12)];

  await until(
    () => `sessions: ${reflector.speaker.peers().map(({ state, lastError }) => `${state} ${lastError?.text}`)}`,
    () => reflector.speaker.peers().every(({ state }) => state === "Established"),
  );
  for (const daemonAt of [THEIRS, FRR_AT]) {
    assert.deepEqual(reflector.peer(daemonAt).perFamily[0]!.addPath, { send: true, receive: true });
  }
  const birdPaths = async (): Promise<string> => tell("show", "route", "for", SHARED_PREFIX, "all");
  const frrPaths = async (): Promise<readonly { readonly originatorId?: string }[]> =>
    (JSON.parse(await show(`show bgp ipv6 unicast ${SHARED_PREFIX} json`)) as { paths?: [] }).paths ?? [];
  const originators = async (): Promise<string[][]> => [
    [...(await birdPaths()).matchAll(/originator_id: ([\d.]+)/g)].map(([, id]) => id!).sort(),
    (await frrPaths()).map(({ originatorId }) => originatorId ?? "").sort(),
  ];
  let seen: string[][] = [];
  const untilSeen = (what: string, ...want: string[]): Promise<void> =>
    until(
      () => `${what}: ${JSON.stringify(seen)}`,
      async () => {
        seen = await originators();
        return seen.every((ids) => `${ids}` === `${want}`);
      },
    );
  await untilSeen("both paths at both", "10.0.0.11", "10.0.0.12");
  const said = await birdPaths();
  assert.equal(
    said.match(/cluster_list: 10\.0\.0\.1\b/g)?.length,
    2,
    "each path says that it was reflected (RFC 4456 §8)",
  );
  assert.equal(said.match(new RegExp(`otc: ${PROVIDER}`, "g"))?.length, 2, "OTC stays on each path (RFC 9234 §5)");
  t.diagnostic(
    `BIRD: ${said
      .split("\n")
      .filter((line) => /originator|cluster|otc/i.test(line))
      .map((line) => line.trim())
      .join("; ")}`,
  );

  // What one client says the other one hears, and nobody hears itself.
  await until("BIRD's at FRR", async () =>
    (await show("show bgp ipv6 unicast")).includes(prefixText(FAMILY, BIRDS, 1)),
  );
  await until("FRR's at BIRD", async () => (await tell("show", "route")).includes(prefixText(FAMILY, FRRS, 1)));
  assert.deepEqual(
    [THEIRS, FRR_AT].map((of) => reflector.peer(of).routesAdvertised),
    [3, 3],
    "two paths of the shared prefix, one of the other daemon's",
  );
  assert.equal(learnt(reflector, FAMILY).length, 4);

  // The two daemons have a session with each other, as far as we know: nothing between them, and the others as ever (RFC 4456 §10).
  const meshed = (clientToClient: boolean): void => {
    for (const daemonAt of [THEIRS, FRR_AT]) {
      const options = { ...client(daemonAt, several), updateSource: OURS };
      assert.equal(reflector.speaker.changePeer({ ...options, clientToClient }).effect, "live");
    }
  };
  const between = async (): Promise<[boolean, boolean]> => [
    (await show("show bgp ipv6 unicast")).includes(prefixText(FAMILY, BIRDS, 1)),
    (await tell("show", "route")).includes(prefixText(FAMILY, FRRS, 1)),
  ];
  meshed(false);
  await until("nothing between the meshed clients", async () => `${await between()}` === "false,false");
  assert.deepEqual(
    [THEIRS, FRR_AT].map((of) => reflector.peer(of).routesAdvertised),
    [2, 2],
  );
  await untilSeen("both paths of others", "10.0.0.11", "10.0.0.12");
  meshed(true);
  await until("all again", async () => `${await between()}` === "true,true");

  const shared = { family: FAMILY, address: address(FAMILY, SHARED, 1), length: LENGTH[FAMILY] } as const;
  sources[0]!.speaker.withdrawUnicast(shared);
  await untilSeen("one path less", "10.0.0.12");
  originate(sources[0]!, FAMILY, SHARED, 1, 2, { nextHop: parseIpv6(at(11))! });
  await untilSeen("both again", "10.0.0.11", "10.0.0.12");
  // A client goes for good: only its path goes.
  await sources[1]!.speaker.stop({ restart: false });
  await untilSeen("the other one's path goes with it", "10.0.0.11");
  for (const daemonAt of [THEIRS, FRR_AT]) assert.equal(reflector.peer(daemonAt).flaps, 0);
  assert.equal(reflector.metrics.sum("semrd_bgp_malformed_total"), 0);
  return undefined;
});

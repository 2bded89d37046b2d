import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { it } from "node:test";
import { fileURLToPath } from "node:url";
import type { PeerRow } from "../../../src/management/index.ts";
import { type Said, semrctl } from "../../cli/in-process.ts";
import { base64, symmetricKeys } from "../../management/stores.ts";
import { ask, daemon, missing, OURS, PORT, peerLab, semrdConfiguration, THEIRS, until } from "./lab.ts";

const [BIRD, BGPD] = ["/usr/sbin/bird", "/usr/lib/frr/bgpd"];
/** FRR has the address of the cable, BIRD one beside it. */
const WITH_FRR = THEIRS;
const WITH_BIRD = THEIRS.replace(/.$/, "9");
const BOTH = [WITH_FRR, WITH_BIRD];
const SEMRD = fileURLToPath(new URL("../../../tools/semrd", import.meta.url));
const HOLD = 6;

/*
 * TCP MD5 by references to the keystore, with FRR and BIRD at the other ends: neighbours who have one key each, the value of a
 * key that changes, a roll-over from one key to another, and what cannot be removed.
 */
it("FRR and BIRD: keys of the keystore, a new value, a roll-over without a gap, a key in use", async (t) => {
  const absent = (await missing(BIRD, "bird2")) ?? (await missing(BGPD, "frr"));
  if (absent !== undefined) return t.skip(absent);
  const made = await peerLab(t, BGPD, "frr");
  if (made === undefined) return;
  const { ours, theirs, where } = made;
  await ask(theirs, "ip", "address", "add", `${WITH_BIRD}/64`, "dev", "wire", "nodad");

  // A key of FRR and BIRD is text; of ours, octets.
  const frr = (key: string): string => ` neighbor ${OURS} password ${key}\n`;
  await writeFile(
    join(where, "bgpd.conf"),
    `router bgp 65000
 bgp router-id 10.0.0.2
 no bgp network import-check
 no bgp default ipv4-unicast
 timers bgp 2 ${HOLD}
 neighbor ${OURS} remote-as 65000
 neighbor ${OURS} port ${PORT}
 neighbor ${OURS} update-source ${WITH_FRR}
 neighbor ${OURS} timers connect 1
${frr("frr-one")} address-family ipv6 unicast
  network 2001:db8:f::/48
  neighbor ${OURS} activate
 exit-address-family
`,
  );
  const argv = [BGPD, "-n", "-Z", "-S", "-f", join(where, "bgpd.conf"), "-i", join(where, "bgpd.pid")];
  daemon(t, theirs, [...argv, "--vty_socket", where, "-P", "0", "-p", String(PORT), "-l", WITH_FRR]);
  const config = join(where, "bird.conf");
  const bird = (key: string): Promise<void> =>
    writeFile(
      config,
      `router id 10.0.0.3;
protocol device { }
protocol static { ipv6; route 2001:db8:b::/48 unreachable; }
protocol bgp semrd {
  local ${WITH_BIRD} port ${PORT} as 65000;
  neighbor ${OURS} port ${PORT} as 65000;
  hold time ${HOLD};
  strict bind yes;
  connect retry time 1; connect delay time 1; error wait time 1, 2;
  password "${key}";
  ipv6 { import all; export all; };
}
`,
    );
  await bird("bird-one");
  const birdc = join(where, "bird.ctl");
  daemon(t, theirs, [BIRD, "-f", "-c", config, "-s", birdc, "-P", join(where, "bird.pid")]);

  const socket = join(where, "semrd.sock");
  const families = [{ name: "ipv6-unicast" }];
  const document = semrdConfiguration(where, socket, families) as { "semrd-router:router": Record<string, unknown> };
  const router = document["semrd-router:router"];
  const neighbor = BOTH.map((address) => ({
    ...{ address, port: PORT, "remote-as": 65000, families: { family: families }, "maximum-back-off": 1 },
    "md5-key": [address === WITH_FRR ? "with-frr" : "with-bird"],
  }));
  router["semrd-bgp:bgp"] = {
    ...{ "local-as": 65000, address: OURS, port: PORT, "hold-time": HOLD, "connect-retry": 1 },
    neighbors: { neighbor },
  };
  router["semrd-keystore:keystore"] = symmetricKeys({ "with-frr": "frr-one", "with-bird": "bird-one" });
  const file = join(where, "semrd.json");
  await writeFile(file, JSON.stringify(document));
  const semrd = daemon(t, ours, [SEMRD, "--config", file]);
  await until("semrd runs", () => semrd.output.includes('"event":"router.running"'));

  const ctl = (args: readonly string[], script = ""): Promise<Said> => semrctl(["--socket", socket, ...args], script);
  const peers = async (): Promise<ReadonlyMap<string, PeerRow>> => {
    const { out } = await ctl(["--json", "show", "peers"]);
    return new Map((JSON.parse(out) as PeerRow[]).map((row) => [row.address, row]));
  };
  const sessions = async (): Promise<readonly number[]> => {
    const rows = await peers();
    return BOTH.map((address) => rows.get(address)!.establishedTransitions);
  };
  const areUp = async (least: readonly number[], which = BOTH): Promise<void> => {
    let now = "";
    await until(
      () => `sessions with ${which}: ${now}`,
      async () => {
        const rows = await peers();
        now = JSON.stringify(
          [...rows.values()].map(({ address, state, establishedTransitions: n, lastError }) => [
            address,
            state,
            n,
            lastError,
          ]),
        );
        return which.every((address) => {
          const { state, establishedTransitions, routesReceived } = rows.get(address)!;
          return (
            state === "Established" && establishedTransitions >= least[BOTH.indexOf(address)]! && routesReceived > 0
          );
        });
      },
    );
  };
  /** Commits lines, and answers what was said of it. */
  const committed = async (...lines: readonly string[]): Promise<string> => {
    const { exitCode, out, err } = await ctl(["configure"], `${lines.join("\n")}\ncommit yes\n`);
    assert.equal(exitCode, 0, out + err);
    return out + err;
  };
  const value = (name: string, text: string): string =>
    `set keystore symmetric-keys symmetric-key ${name} cleartext-symmetric-key ${base64(text)}`;
  const vtysh = (key: string): Promise<string> =>
    ask(
      theirs,
      "vtysh",
      "--vty_socket",
      where,
      "-d",
      "bgpd",
      "-c",
      "configure terminal",
      "-c",
      "router bgp 65000",
      "-c",
      frr(key).trim(),
    );
  await areUp([1, 1]);

  // A new value of one key concerns who uses it, and nobody else.
  await bird("bird-two");
  await ask(theirs, "birdc", "-s", birdc, "configure");
  await committed(value("with-bird", "bird-two"));
  await areUp([1, 2]);
  assert.equal((await sessions())[0], 1, "FRR's session has another key");

  // A roll-over: ours knows both keys, and goes on with the old one until the neighbour follows; the session stays.
  const before = await sessions();
  const lists = BOTH.map((address) => `set bgp neighbors neighbor ${address} md5-key`);
  await committed(
    ...[value("next", "three"), `delete bgp neighbors neighbor ${WITH_FRR} md5-key`],
    ...[`${lists[0]} next`, `${lists[0]} with-frr`],
    ...[`delete bgp neighbors neighbor ${WITH_BIRD} md5-key`, `${lists[1]} next`, `${lists[1]} with-bird`],
  );
  const held = Date.now() + (HOLD + 1) * 1_000;
  await until("longer than the hold time", () => Date.now() > held);
  assert.deepEqual(await sessions(), before, "no session has ended");
  await vtysh("three");
  await bird("three");
  await ask(theirs, "birdc", "-s", birdc, "configure");
  await committed(
    `delete bgp neighbors neighbor ${WITH_FRR} md5-key with-frr`,
    `delete bgp neighbors neighbor ${WITH_BIRD} md5-key with-bird`,
  );
  await areUp(before.map((count) => count + 1));

  // What is used stays; what nobody names any more can go.
  const gone = "delete keystore symmetric-keys symmetric-key";
  const refused = await ctl(["configure"], `${gone} next\ncommit yes\n`);
  assert.equal(refused.exitCode, 1, refused.out);
  assert.match(refused.err, /\/neighbors\/neighbor\[address='fd5e:b6c::[29]'\]\/md5-key\[.='next'\]/);
  await ctl(["config", "discard"]);
  await committed(`${gone} with-frr`, `${gone} with-bird`);
  await areUp(before.map((count) => count + 1));
  const [frrSays] = (await ask(theirs, BGPD, "-v")).split("\n");
  const birdSays = (await ask(theirs, "birdc", "-s", birdc, "show", "status")).split("\n")[0];
  t.diagnostic(`${frrSays}; ${birdSays}`);
});

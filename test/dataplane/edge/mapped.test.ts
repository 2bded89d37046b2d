import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { inOwnMounts } from "../kernel/isolated.ts";
import { synsAgain } from "../kernel/syns-again.ts";
import { whyNoPass } from "../pass/bench.ts";
import { download } from "../pass/lab-agent.ts";
import { MappedLab, type Place } from "./mapped-lab.ts";

inOwnMounts(import.meta.filename);

const FIVE_MEGABYTES = 5 * 1024 * 1024;
const sha256 = (octets: Uint8Array) => createHash("sha256").update(octets).digest("hex");
const TIMEOUT_MS = 30_000;

function whyNoLab(): string | undefined {
  if (process.getuid?.() !== 0) return "network namespaces need root";
  for (const tool of ["ip", "nsenter", "curl", "ping", "tcpdump"])
    if (spawnSync(tool, ["-V"]).error) return `${tool} is not installed`;
  return whyNoPass();
}

/** What the router's DNS answers a client, over IPv4. */
const ASK = `
  const { Resolver } = require("node:dns").promises;
  const resolver = new Resolver({ timeout: 2000, tries: 2 });
  resolver.setServers([process.argv[1]]);
  resolver.resolve(process.argv[2], process.argv[3]).then((found) => console.log(found[0]), (cause) => console.log(cause.code));
`;
const UDP_ONCE = `
  const { isIPv6 } = require("node:net");
  const socket = require("node:dgram").createSocket(isIPv6(process.argv[1]) ? "udp6" : "udp4");
  socket.on("message", (octets, from) => { console.log(octets + " by " + from.address + " " + from.port); socket.close(); });
  socket.send(Buffer.alloc(Number(process.argv[3]), 7), Number(process.argv[2]), process.argv[1]);
  setTimeout(() => { console.log("nothing"); process.exit(1); }, 5000).unref();
`;
const UDP_FROM = `
  const socket = require("node:dgram").createSocket("udp6");
  socket.bind(0, process.argv[1], () => socket.send("x", Number(process.argv[3]), process.argv[2], () => socket.close()));
`;
const VERDICT = /^(\S+)\s+(\d+)$/gm;

for (const coreMtu of [1600, 1500])
  test(`IPv4-only and IPv6-only clients and agents across two routers, core MTU ${coreMtu}`, async (t) => {
    const reason = whyNoLab();
    if (reason !== undefined) return t.skip(`skipped: ${reason}`);
    await using lab = await MappedLab.start({ coreMtu });
    const ask = async (name: string, type: string): Promise<string> => {
      const full = `${name}.cap.acme.example.net`;
      return (await lab.run("c4", process.execPath, "--eval", ASK, "10.1.0.1", full, type)).stdout.trim();
    };
    const curl = (place: Place, ...words: string[]) =>
      lab.run(place, "curl", "-g", "-sS", "--fail", "--max-time", "30", "--noproxy", "*", ...words);
    const verdicts = async (router: "r1" | "r2"): Promise<Record<string, number>> =>
      Object.fromEntries(
        [...(await lab.control(router, "show", "counters", "--all")).matchAll(VERDICT)].map((found) => [
          found[1]!,
          Number(found[2]),
        ]),
      );
    /** Until routes of the other router are there, r1 refuses. */
    const reachable = async (url: string): Promise<void> => {
      const deadline = performance.now() + TIMEOUT_MS;
      while ((await curl("c6", "-o", "/dev/null", `${url}/1`)).code !== 0)
        assert.ok(performance.now() < deadline, `${url} was not reachable in time`);
    };

    const ocr = { a: await ask("ocr.vision", "A"), aaaa: await ask("ocr.vision", "AAAA") };
    const scan = { a: await ask("scan.vision", "A"), aaaa: await ask("scan.vision", "AAAA") };
    const echo = { a: await ask("echo.text", "A"), aaaa: await ask("echo.text", "AAAA") };
    await t.test("DNS answers A from the pool besides AAAA", () => {
      for (const { a, aaaa } of [ocr, scan, echo]) {
        assert.match(a, /^198\.18\.0\.\d+$/);
        assert.match(aaaa, /^fd5e:3d00:1:1:/);
      }
      assert.equal(new Set([ocr.a, scan.a, echo.a]).size, 3);
    });
    await t.test("semrctl shows them, and what the edge does", async () => {
      const shown = await lab.control("r1", "show", "capabilities");
      for (const { a, aaaa } of [ocr, scan, echo])
        assert.match(shown, new RegExp(`${aaaa} +${a.replaceAll(".", "\\.")} `));
    });
    await reachable(`http://[${ocr.aaaa}]`);
    await reachable(`http://[${scan.aaaa}]`);

    const ways = [
      { from: "c4", agent: "IPv6", url: `http://${ocr.a}`, seenAs: /^fd00:64:1::a01:a$/ },
      { from: "c4", agent: "IPv4", url: `http://${scan.a}`, seenAs: /^::ffff:198\.19\.0\.\d+$/ },
      { from: "c6", agent: "IPv4", url: `http://[${scan.aaaa}]`, seenAs: /^::ffff:198\.19\.0\.\d+$/ },
      { from: "a4", agent: "IPv6", url: `http://${ocr.a}`, seenAs: /^fd00:64:2::a02:a$/ },
      { from: "a4", agent: "IPv4", url: `http://${scan.a}`, seenAs: /^::ffff:198\.19\.0\.\d+$/ },
      { from: "r1", agent: "IPv6", url: `http://[${ocr.aaaa}]`, seenAs: /^fd00:ffff::1$/ },
      { from: "r1", agent: "IPv4", url: `http://${scan.a}`, seenAs: /^::ffff:198\.19\.0\.\d+$/ },
    ] as const;
    for (const { from, agent, url, seenAs } of ways)
      await t.test(
        `${from === "r1" ? "a program on the router" : from} and an ${agent} agent (${url}): 5 MB both ways`,
        async () => {
          const down = join(lab.folder, "down");
          const got = await curl(from, "-o", down, `${url}/${FIVE_MEGABYTES}`);
          assert.equal(got.code, 0, got.stderr);
          assert.equal(
            spawnSync("sha256sum", [down], { encoding: "utf8" }).stdout.split(" ")[0],
            sha256(download(FIVE_MEGABYTES)),
          );
          const up = join(lab.folder, "up");
          writeFileSync(up, download(FIVE_MEGABYTES));
          const put = await curl(from, "-H", "Expect:", "--data-binary", `@${up}`, `${url}/`);
          assert.equal(put.code, 0, put.stderr);
          const [digest, peer] = put.stdout.split(" ");
          assert.equal(digest, sha256(download(FIVE_MEGABYTES)));
          assert.match(peer!, seenAs);
        },
      );

    await t.test("UDP", async () => {
      const asked = await lab.run("c4", process.execPath, "--eval", UDP_ONCE, echo.a, "53", "100");
      assert.equal(asked.stdout.trim(), `100 from fd00:64:1::a01:a by ${echo.a} 53`, asked.stderr);
    });

    await t.test(
      "ping answers; an address that no capability has is unreachable; a port nobody serves refuses",
      async () => {
        assert.equal((await lab.run("c4", "ping", "-c", "1", "-W", "2", ocr.a)).code, 0);
        const nobody = await lab.run("c4", "ping", "-c", "1", "-W", "2", "198.18.0.1");
        assert.match(nobody.stdout, /From 192\.0\.0\.8 .*Destination Host Unreachable/);
        const again = async () => synsAgain((await lab.run("c4", "cat", "/proc/net/netstat")).stdout);
        const before = await again();
        const refused = await curl("c4", `http://${ocr.a}:81/`);
        assert.equal(refused.code, 7, refused.stderr);
        assert.equal(await again(), before, "curl waited for a second SYN");
      },
    );

    await t.test("what does not fit the tunnel is said in ICMP", async () => {
      // Super-packets are cut smaller: it takes a segment on its own, which as IPv6 fills its link and leaves no room for the tunnel.
      const request = `GET /1 HTTP/1.1\r\nHost: ${ocr.a}\r\nUser-Agent: \r\nAccept: */*\r\n\r\n`;
      const alone = await curl("c4", "-A", "x".repeat(1500 - 40 - 32 - request.length), `http://${ocr.a}/1`);
      assert.equal(alone.code, 0, alone.stderr);
      const route = (await lab.run("c4", "ip", "route", "get", ocr.a)).stdout;
      if (coreMtu === 1500) assert.match(route, /mtu 14[0-4]\d/);
      else assert.doesNotMatch(route, /mtu/);
    });

    await t.test("nothing IPv4 crosses the domain; strangers reach no IPv4 agent", async () => {
      const before = await verdicts("r2");
      assert.notEqual((await curl("c6", "--max-time", "2", "http://[fd00:64:2::10.2.0.10]:8080/1")).code, 0);
      const after = await verdicts("r2");
      assert.ok(after["edge-drop-stranger"]! > before["edge-drop-stranger"]!, JSON.stringify(after));
    });

    await t.test("what the router's kernel says to a capability reaches the agent", async () => {
      await lab.run("c6", "ip", "-6", "address", "add", "fd00:c::99/64", "dev", "r1", "nodad");
      await lab.run("r1", "ip", "-6", "route", "add", "unreachable", "fd00:c::99/128");
      const capture = lab.launch("a6", "tcpdump", "-i", "r2", "-n", "-l", "--immediate-mode", "icmp6[0] == 1");
      let seen = "";
      capture.stdout!.setEncoding("utf8").on("data", (text: string) => {
        seen += text;
      });
      await once(capture.stderr!, "data");
      await lab.run("c6", process.execPath, "--eval", UDP_FROM, "fd00:c::99", echo.aaaa, "53");
      const late = AbortSignal.timeout(TIMEOUT_MS);
      while (!seen.includes("\n")) await once(capture.stdout!, "data", { signal: late });
      assert.match(seen, /> fd00:a::10: ICMP6, destination unreachable, unreachable (route|address) fd00:c::99/);
    });

    await t.test("a commit takes the pool away and gives it back, at once", async () => {
      await lab.configure("r1", "delete ipv4 pool acme", "commit");
      assert.equal(await ask("ocr.vision", "A"), "ENODATA");
      assert.notEqual((await curl("c4", "--max-time", "2", `http://${ocr.a}/1`)).code, 0);
      await lab.configure("r1", "set ipv4 pool acme prefix 198.18.0.0/24", "commit");
      assert.equal(await ask("ocr.vision", "A"), ocr.a);
      const again = await curl("c4", `http://${ocr.a}/1`);
      assert.equal(again.code, 0, again.stderr);
    });

    await t.test(
      "after kill -9 of both the same addresses; a transfer goes on meanwhile, and when both have converged",
      async () => {
        const file = join(lab.folder, "slow");
        const words = ["-g", "-sS", "--fail", "--noproxy", "*", "--limit-rate", "1M", "-o", file];
        const transfer = lab.launch("c4", "curl", ...words, `http://${scan.a}/endless`);
        let said = "";
        transfer.stderr!.setEncoding("utf8").on("data", (text: string) => {
          said += text;
        });
        const arrived = async (octets: number): Promise<void> => {
          const deadline = performance.now() + TIMEOUT_MS;
          while ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) < octets) {
            assert.deepEqual([transfer.exitCode, transfer.signalCode], [null, null], `the transfer has ended: ${said}`);
            assert.ok(performance.now() < deadline, `${octets} octets are not there in time`);
            await new Promise((resolve) => setTimeout(resolve, 10));
          }
        };
        await arrived(1);
        await lab.killRouter("r1");
        await lab.killRouter("r2");
        await lab.startRouter("r1");
        await lab.startRouter("r2");
        for (const router of ["r1", "r2"] as const) await lab.converged(router);
        await arrived(statSync(file).size + 200_000);
        transfer.kill();
        assert.equal(await ask("ocr.vision", "A"), ocr.a);
        assert.match(await lab.control("r1", "show", "status"), /in, out +adopted/);
      },
    );
  });

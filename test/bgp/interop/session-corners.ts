/** Corner cases of sessions: narrow AS numbers, readers that stop, and what a peer offers nothing for. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import type { TestContext } from "node:test";
import { promisify } from "node:util";
import { parseIpv6 } from "../../../src/base/index.ts";
import type { Router } from "../speaker/router.ts";
import { AS, FAMILY, isUp, session, withdraw } from "./corners.ts";
import { type Lab, learnt, OURS, originate, prefixText, until } from "./lab.ts";

const run = promisify(execFile);
/** Of four octets. */
export const WIDE_AS = 4_200_000_000;

/**
 * A neighbour with AS numbers of two octets: a path of ours with a wider one comes to it whole, and so does its path to us.
 * @param path what they print about a route of ours; `""`: nothing yet
 * @param its the path of their one route
 * @see RFC 6793 §4.2
 */
export async function narrowNumbers(
  router: Router,
  path: (prefix: string) => Promise<string>,
  its: readonly number[],
): Promise<void> {
  const asPath = [{ type: "sequence", numbers: [WIDE_AS, 65010] }] as const;
  originate(router, FAMILY, 0x2a, 1, 2, { asPath, nextHop: parseIpv6(OURS)! });
  await session(router);
  assert.equal(router.peer().capabilities.fourOctetAs, false);
  // A stand-in in what it can read, the whole beside it; it puts both together.
  let said = "";
  await until(
    () => `our route there: ${said}`,
    async () => {
      said = await path(prefixText(FAMILY, 0x2a, 1));
      return said !== "";
    },
  );
  assert.match(said, new RegExp(`\\b${AS}[, ]+${WIDE_AS}[, ]+65010\\b`));
  const theirs = () => learnt(router, FAMILY)[0]?.attributes.asPath;
  await until("its route", () => theirs() !== undefined);
  assert.deepEqual(theirs(), [{ type: "sequence", numbers: its }]);
}

/** More than the buffers of two sockets hold: so many routes, each of so many octets. */
const FLOOD = { from: 1000, to: 3000, octets: 3900 } as const;

/**
 * All processes of theirs stand still while there is much to tell: the session ends, and there is another one when they go on.
 * @param router with a send hold time far below its hold time
 * @param routes how many routes of ours they have
 * @param again makes them try again at once
 * @see RFC 9687
 */
export async function readersThatStop(
  router: Router,
  { theirs }: Pick<Lab, "theirs">,
  routes: () => Promise<number>,
  again: () => Promise<unknown> = async () => {},
): Promise<void> {
  await session(router);
  const before = router.peer().routesAdvertised;
  const processes = (await run("ip", ["netns", "pids", theirs])).stdout.trim().split(/\s+/).map(Number);
  const signal = (name: "SIGSTOP" | "SIGCONT"): void => processes.forEach((id) => void process.kill(id, name));
  signal("SIGSTOP");
  try {
    for (let n = FLOOD.from; n < FLOOD.to; n++) {
      // No two alike: routes with the same attributes share a message.
      const value = new Uint8Array(FLOOD.octets);
      new DataView(value.buffer).setUint32(0, n);
      originate(router, FAMILY, 0x2a, n, n + 1, { opaque: [{ flags: 0xc0, code: 200, value }] });
    }
    await until("the end", () => router.peer().state !== "Established");
  } finally {
    signal("SIGCONT");
  }
  const { code, text } = router.peer().lastError!;
  assert.deepEqual([code, text], [8, "send hold timer expired"]);
  for (let n = FLOOD.from; n < FLOOD.to; n++) withdraw(router, n);
  await until("the session when they go on", async () => {
    await again();
    return isUp(router)();
  });
  let had = 0;
  await until(
    () => `${before} routes there: ${had}`,
    async () => {
      had = await routes();
      return had === before;
    },
  );
}

/** Cases that are left out because the peer offers nothing of the kind; fails where it does. */
export function leftOut(t: TestContext, router: Router, cases: Readonly<Record<string, number>>): void {
  const offered = router.peer().offered.received.map(({ code }) => code);
  t.diagnostic(`it offers capabilities ${offered}`);
  for (const [name, code] of Object.entries(cases)) {
    assert.ok(!offered.includes(code), `${name}: it offers capability ${code}, so this can be shown`);
    t.diagnostic(`skipped: ${name}: it has no capability ${code}`);
  }
}

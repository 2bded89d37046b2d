import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { toHex } from "../../../src/base/index.ts";
import { DEFAULT_DIALECT, encodeKeepalive } from "../../../src/bgp/wire/index.ts";
import { SeededRandom } from "../../sim/seeded-random.ts";
import { TARGET } from "../speaker/router.ts";
import { attribute, base, message } from "./case.ts";
import type { HostilePeer } from "./hostile-peer.ts";
import { type Stage, simulated } from "./stage.ts";

const MEMBERSHIP = { afi: 1, safi: 132 };
const FAMILIES = [{ family: "capability" }, { family: "route-target" }] as const;
const hex = (value: number, octets: number): string => value.toString(16).padStart(2 * octets, "0");

async function client(t: TestContext): Promise<readonly [Stage, HostilePeer]> {
  const stage = await simulated(t, {
    kinds: ["internal"],
    internalPeer: { families: FAMILIES, reflectorClient: true },
  });
  for (let n = 1; n <= 20; n++) stage.router.originate(n);
  const peer = await stage.connect(0);
  peer.open("internal", { families: [DEFAULT_DIALECT.family, MEMBERSHIP] });
  await stage.settle("a session", () => stage.router.peer(stage.addressOf(0)).state === "Established");
  return [stage, peer];
}

/** MP_REACH_NLRI by an IPv4 next hop, as most routers have it, or MP_UNREACH_NLRI. */
function said(routes: string, announced: boolean): Uint8Array {
  if (!announced) return message("", attribute(0x80, 15, `000184${routes}`), "");
  const attributes = [...base("internal", "ipv6-unicast").values()].join("");
  return message("", attribute(0x80, 14, `00018404c000020100${routes}`) + attributes, "");
}

describe("memberships in route targets (RFC 4684)", () => {
  it("an IPv4 next hop is as good as an IPv6 one (§5)", async (t) => {
    const [stage, peer] = await client(t);
    peer.update(said(`60${hex(65000, 4)}${toHex(TARGET)}`, true));
    const status = () => stage.router.peer(stage.addressOf(0));
    await stage.settle("the membership", () => status().routesReceived === 1);
    // Its end says that there is no more to come: what is wanted goes out.
    peer.update(message("", attribute(0x80, 15, "000184"), ""));
    await stage.settle("what it asks for", () => status().routesAdvertised >= 20);
    stage.assertInnocent();
  });

  it("a thousand of every length, that come and go: nothing but an answer", async (t) => {
    const random = new SeededRandom();
    t.diagnostic(`seed ${random.seed}`);
    const upTo = (most: number): number => Math.floor(random.next() * most);
    const [stage, peer] = await client(t);
    const whole = hex(65000, 4) + toHex(TARGET);
    for (let i = 0; i < 1000; i++) {
      const bits = upTo(97);
      const octets = whole.slice(0, 2 * ((bits + 7) >> 3));
      const bent = upTo(3) === 0 ? octets.replace(/..$/, hex(upTo(256), 1)) : octets;
      peer.update(said(hex(bits, 1) + bent, upTo(3) > 0));
    }
    peer.say(encodeKeepalive());
    const status = () => stage.router.peer(stage.addressOf(0));
    await stage.settle("all of them", () => status().updatesReceived === 1000 && status().routesPending === 0);
    assert.deepEqual([status().state, status().flaps, status().familyDisabled], ["Established", 0, false]);
    const labels = { peer: stage.addressOf(0), why: "malformed" };
    assert.ok(stage.router.metrics.sum("semrd_bgp_skipped_routes_total", labels) > 0, "half an AS is no membership");
    stage.assertInnocent();
  });
});

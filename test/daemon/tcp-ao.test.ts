import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { loadNative } from "../../native/index.ts";
import { tcpAoSupport } from "../../src/daemon/live/tcp-ao.ts";
import { parseConfiguration, type RouterChange, type RouterConfiguration } from "../../src/management/index.ts";
import { ALL_FILES, type Editable, edited } from "../management/documents.ts";

const PARTS = { yang: loadNative().yang, files: ALL_FILES };
const KEY = { "send-id": 1, "receive-id": 2, password: "k" };
const NEIGHBOR = { address: "fd00:ffff::1", "remote-as": 65000 };

const configured = (edit: (bgp: Editable) => void): Promise<RouterConfiguration> =>
  parseConfiguration(
    edited((router) => {
      const bgp = router["semrd-bgp:bgp"] ?? router.bgp;
      bgp.neighbors.neighbor = [NEIGHBOR];
      edit(bgp);
    }),
    "/etc/semrd",
    PARTS,
  );

describe("keys of the TCP Authentication Option (RFC 5925)", async () => {
  const plain = await configured(() => {});
  const keyed = await configured((bgp) => {
    bgp.neighbors.neighbor = [{ ...NEIGHBOR, "tcp-ao-key": [KEY] }];
  });
  const grouped = await configured((bgp) => {
    bgp["peer-groups"] = { "peer-group": [{ name: "signed", "remote-as": 65000, "tcp-ao-key": [KEY] }] };
    bgp["dynamic-neighbors"] = { range: [{ prefix: "fd00:9::/32", "peer-group": "signed" }] };
  });

  /** What a commit is told, and how often the kernel was asked. */
  async function plan(before: RouterConfiguration, intended: RouterConfiguration, hasTcpAo: boolean) {
    let asked = 0;
    const provider = tcpAoSupport(() => {
      asked++;
      return hasTcpAo;
    });
    const answer = await provider.plan({ before, after: intended, intended, changes: [] } as unknown as RouterChange);
    return { answer, asked };
  }

  it("a kernel without it refuses them in validate and commit, with what it takes, of neighbours and ranges", async () => {
    for (const [wanted, where] of [
      [keyed, "/semrd-router:router/semrd-bgp:bgp/neighbors/neighbor[address='fd00:ffff::1']/tcp-ao-key"],
      [grouped, "/semrd-router:router/semrd-bgp:bgp/dynamic-neighbors/tcp-ao-key"],
    ] as const) {
      const { answer } = await plan(plain, wanted, false);
      assert.ok(!answer.ok, "refused");
      const [{ path, appTag, message }] = answer.faults as [(typeof answer.faults)[number]];
      assert.deepEqual([path, appTag], [where, "no-tcp-ao"]);
      assert.match(message, /Linux 6\.7 or later with CONFIG_TCP_AO: use md5-key instead/);
    }
  });

  it("a kernel that has it takes them, and is not asked where nobody wants them or has them already", async () => {
    for (const { before, intended, hasTcpAo, asked } of [
      { before: plain, intended: keyed, hasTcpAo: true, asked: 1 },
      { before: plain, intended: plain, hasTcpAo: false, asked: 0 },
      { before: keyed, intended: plain, hasTcpAo: false, asked: 0 },
      { before: keyed, intended: grouped, hasTcpAo: false, asked: 0 },
    ]) {
      const seen = await plan(before, intended, hasTcpAo);
      assert.deepEqual([seen.answer.ok, seen.asked], [true, asked]);
    }
  });
});

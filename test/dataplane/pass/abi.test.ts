import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { loadNative } from "../../../native/index.ts";
import * as abi from "../../../src/dataplane/abi.ts";
import { LAST_LEG, WAYPOINTS } from "../../../src/forwarding/index.ts";
import { OBJECT, whyNoPass } from "./bench.ts";

const FOLDER = join(import.meta.dirname, "../../../dataplane");
const HEADER = join(FOLDER, "abi.h");
/** Constants of the header, by the expression in C. */
const NUMBERS: Readonly<Record<string, number | bigint>> = {
  SEMR_ABI_VERSION: abi.ABI_VERSION,
  SEMR_KEY_EMPTY: abi.KEY_EMPTY,
  SEMR_KEY_TOMBSTONE: abi.KEY_TOMBSTONE,
  SEMR_CAPABILITY_PROBES: abi.CAPABILITY_PROBES,
  SEMR_CAPABILITY_LINE_SLOTS: abi.CAPABILITY_LINE_SLOTS,
  SEMR_GROUP_PROBES: abi.GROUP_PROBES,
  SEMR_DOWN: abi.STATE.down,
  SEMR_UP: abi.STATE.up,
  SEMR_DRAINING: abi.STATE.draining,
  SEMR_NO_WAY: abi.STATE_NO_WAY,
  SEMR_TUNNEL: abi.KIND.tunnel,
  SEMR_LOCAL: abi.KIND.local,
  SEMR_INSTANCE: abi.KIND.instance,
  SEMR_ROLE_NONE: abi.ROLE.none,
  SEMR_ROLE_CORE: abi.ROLE.core,
  SEMR_ROLE_CLIENT: abi.ROLE.client,
  SEMR_ROLE_AGENT: abi.ROLE.agent,
  SEMR_PORT_DIRECT: abi.PORT_FLAG.direct,
  SEMR_PORT_PARTIAL: abi.PORT_FLAG.partial,
  SEMR_PORT_CLAMP: abi.PORT_FLAG.clamp,
  SEMR_PORT_VLANS: abi.PORT_FLAG.vlans,
  SEMR_BEAT_PORT: abi.BEAT_PORT,
  SEMR_BEAT_MAGIC: abi.BEAT.magic,
  SEMR_BEAT_VERSION: abi.BEAT.version,
  SEMR_LAST_LEG_OCTET: LAST_LEG.octet,
  SEMR_LAST_LEG_BIT: LAST_LEG.bit,
  SEMR_PORT_SOURCES: abi.PORT_FLAG.sources,
  SEMR_POLICY_FREE: abi.POLICY_USE.free,
  SEMR_POLICY_OF_CAPABILITIES: abi.POLICY_USE.capabilities,
  SEMR_POLICY_OF_TENANT: abi.POLICY_USE.tenant,
  SEMR_POLICY_DSCP: abi.POLICY_FLAG.dscp,
  SEMR_POLICY_COUNTED: abi.POLICY_FLAG.counted,
  SEMR_TAGS: abi.TAGS,
  SEMR_TENANTS_IN_BLOCK: abi.TENANTS_IN_BLOCK,
  SEMR_CLOSED_BY_CLIENT: abi.CLOSED.byClient,
  SEMR_CLOSED_BY_AGENT: abi.CLOSED.byAgent,
  SEMR_BY_ADDRESSES: abi.SPREAD.address,
  SEMR_BY_TURN: abi.SPREAD.none,
  SEMR_BY_CONNECTION: abi.SPREAD.connection,
  SEMR_CONNECTION_CONFIG: abi.CONNECTION_CONFIG,
  SEMR_TURN_MULTIPLIER: abi.TURN_MULTIPLIER,
  SEMR_FRAGMENT_AGE: abi.FRAGMENT_AGE,
  SEMR_VXLAN_PORT: abi.VXLAN_PORT,
  SEMR_VXLAN_HEADERS: abi.VXLAN_HEADERS,
  SEMR_WAYPOINTS: WAYPOINTS,
  SEMR_IDLE_TCP: abi.IDLE.tcp,
  SEMR_IDLE_UDP: abi.IDLE.udp,
  SEMR_EVENT_FLOW: abi.EVENT_KIND.flow,
  SEMR_EVENT_PACKET: abi.EVENT_KIND.packet,
  SEMR_TELL_NONE: abi.TELL_NONE,
  SEMR_VERDICTS: abi.VERDICTS.length,
  SEMR_EDGE_VERDICTS: abi.EDGE_VERDICTS.length,
  SEMR_POOL_CAPABILITIES: abi.POOL_KIND.capabilities,
  SEMR_POOL_GUESTS: abi.POOL_KIND.guests,
};

/** What a C compiler makes of each expression. */
function compiled(expressions: readonly string[]): Map<string, bigint> {
  const folder = mkdtempSync(join(tmpdir(), "st-dp-abi-"));
  try {
    const source = join(folder, "print.c");
    const lines = expressions.map((text) => `  printf("%llu\\n", (unsigned long long)(${text}));`);
    writeFileSync(
      source,
      `#include <stddef.h>\n#include <stdio.h>\n#include "${HEADER}"\nint main(void) {\n${lines.join("\n")}\n}\n`,
    );
    execFileSync("cc", ["-Wall", "-Werror", "-o", join(folder, "print"), source], { stdio: "pipe" });
    const values = execFileSync(join(folder, "print"), { encoding: "utf8" }).trim().split("\n");
    return new Map(expressions.map((text, i) => [text, BigInt(values[i]!)]));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe("abi.ts and abi.h", () => {
  it("agree on every size, offset and number", (t) => {
    if (!existsSync("/usr/include/linux/types.h")) return t.skip("skipped: linux/types.h is not installed");
    const expected = new Map<string, bigint>();
    for (const [name, { size, offsets }] of Object.entries(abi.LAYOUTS)) {
      expected.set(`sizeof(struct semr_${name})`, BigInt(size));
      for (const [member, offset] of Object.entries(offsets))
        expected.set(`offsetof(struct semr_${name}, ${member})`, BigInt(offset));
    }
    for (const [name, value] of Object.entries(NUMBERS)) expected.set(name, BigInt(value));
    assert.deepEqual(compiled([...expected.keys()]), expected);
  });

  it("agree on every structure and on the verdicts in order", () => {
    const headers = readdirSync(FOLDER).filter((name) => /^abi.*\.h$/.test(name));
    const text = headers.map((name) => readFileSync(join(FOLDER, name), "utf8")).join("");
    const structures = [...text.matchAll(/^struct semr_(\w+) \{/gm)].map((match) => match[1]!).sort();
    assert.deepEqual(structures, Object.keys(abi.LAYOUTS).sort());
    const body = /enum semr_verdict \{(.*?)SEMR_VERDICTS/s.exec(text)![1]!;
    const names = [...body.matchAll(/^\tSEMR_(\w+),/gm)].map((match) => match[1]!.toLowerCase().replaceAll("_", "-"));
    assert.deepEqual(names, [...abi.VERDICTS]);
    const edge = /enum semr_edge_verdict \{(.*?)SEMR_EDGE_VERDICTS/s.exec(text)![1]!;
    const edgeNames = [...edge.matchAll(/^\tSEMR_(\w+),/gm)].map((match) =>
      match[1]!.toLowerCase().replaceAll("_", "-"),
    );
    assert.deepEqual(edgeNames, [...abi.EDGE_VERDICTS]);
  });

  it("agree with the compiled object: maps, constants, programs within the verifier's budget", async (t) => {
    const reason = whyNoPass();
    if (reason !== undefined) return t.skip(`skipped: ${reason}`);
    const constants = Object.fromEntries(
      Object.entries(abi.CONSTANTS).map(([name, size]) => [name, new Uint8Array(size)]),
    );
    using object = await loadNative().bpf.load(OBJECT, { constants });
    const sizes = Object.fromEntries(
      [...object.maps].flatMap(([name, { info }]) =>
        name.startsWith(".") ? [] : [[name, { key: info.keySize, value: info.valueSize }]],
      ),
    );
    assert.deepEqual(sizes, { ...abi.MAPS, [abi.EVENTS]: { key: 0, value: 0 } });
    assert.deepEqual([...object.programs.keys()].sort(), Object.values(abi.PROGRAMS).sort());
    for (const [name, { verifiedInstructions }] of object.programs) {
      t.diagnostic(`${name}: ${verifiedInstructions} instructions verified`);
      assert.ok(verifiedInstructions > 0 && verifiedInstructions <= 50_000, `${name}: ${verifiedInstructions}`);
    }
    await assert.rejects(
      loadNative().bpf.load(OBJECT, { constants: { semr_domain: new Uint8Array(5) } }),
      /semr_domain/,
    );
  });
});

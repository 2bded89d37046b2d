import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseIpv6, toHex } from "../../src/base/index.ts";
import type { ControlParts } from "../../src/daemon/control.ts";
import { Names } from "../../src/daemon/names.ts";
import { auditTables } from "../../src/daemon/table-audit.ts";
import { systemClock } from "../../src/host/index.ts";
import { OCR, taxonomy } from "../directory/samples.ts";

const SITE = parseIpv6("fd00:ffff::2")!;
const ELSEWHERE = parseIpv6("fd00:ffff::3")!;

/** Tables in which each capability has a group of next hop 1, as decided; `change` says what is otherwise. */
function parts(change: { readonly without?: string; readonly towards?: Uint8Array; readonly more?: Uint8Array }) {
  const words = taxonomy();
  const entries = [...words.tenants.keys()].flatMap((tenant) =>
    words.capabilities.map(({ name, majorVersion }) => words.address(tenant, name, majorVersion)!),
  );
  const nextHop = { nextHop: { kind: "tunnel", locator: change.towards ?? SITE }, state: "up" };
  const wanted = entries.filter((address) => toHex(address) !== change.without);
  return {
    taxonomy: words,
    names: new Names(words, new Map(), 1),
    clock: systemClock,
    compiler: { pending: 0 },
    rib: { capability: { select: () => ({ group: [{ nextHop: SITE }] }) } },
    driver: {
      plan: {
        plannedCapabilities: () =>
          [...wanted, ...(change.more === undefined ? [] : [change.more])].map((address, i) => ({
            address,
            group: i < wanted.length ? 1 : 0,
            localGroup: 0,
          })),
        plannedGroup: (index: number) =>
          index === 1 ? { slots: [{ current: 1, previous: 0 }], backup: 0 } : undefined,
        plannedNextHop: () => nextHop,
      },
    },
  } as unknown as ControlParts;
}

const kinds = ({ mismatch }: Readonly<Record<string, unknown>>) =>
  (mismatch as readonly { readonly kind: string; readonly "next-hop": string; readonly capability?: string }[]).map(
    ({ kind, capability, "next-hop": nextHop }) => [kind, capability, nextHop],
  );

describe("rib-audit", () => {
  it("finds nothing where the tables are as decided", async () => {
    const answer = await auditTables(parts({}), 100);
    assert.deepEqual(answer, { settled: true, capabilities: 6, mismatches: 0, mismatch: [] });
  });

  it("an address that is missing", async () => {
    const without = toHex(taxonomy().address("acme", OCR, 1)!);
    assert.deepEqual(kinds(await auditTables(parts({ without }), 100)), [["missing-entry", "/vision/ocr", ""]]);
  });

  it("an address that stands for nothing", async () => {
    const more = parseIpv6("fd5e:3d00:1:9::1")!;
    assert.deepEqual(kinds(await auditTables(parts({ more }), 100)), [["stray-entry", undefined, ""]]);
  });

  it("sites that are not to get flows; as many are listed as are asked for, and all are counted", async () => {
    const answer = await auditTables(parts({ towards: ELSEWHERE }), 2);
    assert.equal(answer.mismatches, 6);
    assert.deepEqual(
      kinds(answer).map(([kind, , nextHop]) => [kind, nextHop]),
      [
        ["stray-site", "fd00:ffff::3"],
        ["stray-site", "fd00:ffff::3"],
      ],
    );
  });
});

import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { compileBpf } from "../../../tools/build-dataplane.mjs";
import { HOOKS } from "./bench.ts";
import { ethernet, IPV6_IN_IPV6, ipv6 } from "./frames.ts";
import { insideNamespace } from "./inside.ts";
import { ACTION, CAP, datagram, LOCATOR, makeWorld, OTHER, segment, TENANT } from "./world.ts";

const tunnelled = (packet: Uint8Array) => ipv6({ source: OTHER, destination: LOCATOR }, IPV6_IN_IPV6, packet);
const SOURCES = join(import.meta.dirname, "../../../dataplane");

/**
 * The pass with flow tables that forget nothing: an LRU always makes room here, and a table that takes no entry is what a
 * host without memory looks like.
 */
async function unforgetting(folder: string): Promise<string> {
  cpSync(SOURCES, folder, { recursive: true });
  const maps = join(folder, "maps.h");
  const text = readFileSync(maps, "utf8");
  const kind = "SEMR_MAP(name, LRU_HASH,";
  assert.ok(text.includes(kind));
  writeFileSync(maps, text.replace(kind, "SEMR_MAP(name, HASH,"));
  const object = join(folder, "semr.bpf.o");
  await compileBpf(join(folder, "semr.bpf.c"), object);
  return object;
}

insideNamespace(import.meta.filename, () => {
  describe("a table of flows takes no entry", () => {
    const folder = mkdtempSync(join(tmpdir(), "st-dp-full-"));
    let object = "";
    before(async () => {
      object = await unforgetting(folder);
    });
    after(() => rmSync(folder, { recursive: true }));

    for (const table of ["flows", "returns"] as const)
      for (const hook of HOOKS)
        it(`drop-state-full: what begins is dropped, what is known goes on (${table}, ${hook})`, async () => {
          using bench = await makeWorld({ object, maxEntries: { [table]: 1 } });
          const known = segment(CAP.local, { sourcePort: 1000 });
          assert.equal(bench.run(hook, ethernet(known)).verdict, "delivered");
          for (const packet of [segment(CAP.local, { sourcePort: 1001 }), datagram(CAP.localUdp)]) {
            const done = bench.run(hook, ethernet(packet));
            assert.deepEqual([done.verdict, done.action], ["drop-state-full", ACTION.dropped[hook]]);
          }
          const next = segment(CAP.local, { sourcePort: 1000, flags: "A" });
          assert.equal(bench.run(hook, ethernet(next)).verdict, "delivered");
        });
  });

  describe("a frame cannot be resized", () => {
    // the kernel makes no room in a super-packet whose segments it could not make: here of no protocol that it knows
    const super_ = { gsoSize: 100 };

    for (const way of ["remote", "segments", "vxlan"] as const)
      it(`drop-no-headroom: on the way into a tunnel (${way})`, async () => {
        using bench = await makeWorld();
        const packet = segment(CAP[way], { flags: "A", payload: new Uint8Array(300) });
        assert.equal(bench.run("tc", ethernet(packet)).verdict, "encapsulated");
        const done = bench.run("tc", ethernet(packet), 1, super_);
        assert.deepEqual([done.verdict, done.action], ["drop-no-headroom", ACTION.dropped.tc]);
      });

    it("drop-no-headroom: out of a tunnel", async () => {
      using bench = await makeWorld();
      bench.port(1, "core", 0);
      const packet = tunnelled(segment(CAP.local, { payload: new Uint8Array(300) }));
      assert.equal(bench.run("tc", ethernet(packet)).verdict, "delivered");
      assert.equal(bench.run("tc", ethernet(packet), 1, super_).verdict, "drop-no-headroom");
      bench.port(1, "client", TENANT);
      assert.equal(bench.run("tc", ethernet(segment(CAP.local)), 1, super_).verdict, "delivered", "nothing to resize");
    });
  });
});

import assert from "node:assert/strict";
import { cpus } from "node:os";
import { after, before, describe, it } from "node:test";
import { type Bench, HOOKS } from "./bench.ts";
import { CASES, ECHO } from "./cases.ts";
import { EXTENSION_CASES } from "./extension-cases.ts";
import { ethernet, icmp } from "./frames.ts";
import { insideNamespace } from "./inside.ts";
import { TUNNEL_CASES } from "./tunnel-cases.ts";
import { ACTION, CAP, CLIENT, HOP, makeWorld, segment, TENANT } from "./world.ts";

insideNamespace(import.meta.filename, () => {
  for (const hook of HOOKS)
    describe(`verdicts of ${hook}`, () => {
      let bench: Bench;
      before(async () => {
        bench = await makeWorld();
      });
      after(() => bench[Symbol.dispose]());

      for (const { name, packet, verdict, action, role, plainTenant = 0, out } of [
        ...CASES,
        ...TUNNEL_CASES,
        ...EXTENSION_CASES,
      ])
        it(`${verdict}: ${name}`, () => {
          bench.port(1, role ?? "client", role === "core" ? plainTenant : TENANT);
          const frame = ethernet(packet);
          const done = bench.run(hook, frame);
          assert.equal(done.verdict, verdict);
          assert.equal(done.action, ACTION[action][hook]);
          if (out === undefined) {
            if (action === "passed") assert.deepEqual(done.frame, frame);
          } else out(done.packet, packet, hook);
        });

      it("answers for a denied and an unknown capability differ in nothing but the quoted address", () => {
        bench.port(1, "client", TENANT);
        const denied = bench.run(hook, ethernet(segment(CAP.foreign)));
        const unknown = bench.run(hook, ethernet(segment(CAP.unknown)));
        assert.deepEqual([denied.verdict, unknown.verdict], ["reject-tenant", "reject-no-route"]);
        const blank = (packet: Uint8Array) => {
          const copy = packet.slice();
          copy.fill(0, 42, 44);
          copy.fill(0, 48 + 24, 48 + 40);
          copy.fill(0, 48 + 40 + 16, 48 + 40 + 18);
          return copy;
        };
        assert.deepEqual(blank(denied.packet), blank(unknown.packet));
        assert.equal(denied.action, unknown.action);
      });

      it("passed: other protocols, ports without a role", () => {
        assert.equal(bench.run(hook, ethernet(segment(CAP.local), 0x0800)).verdict, "passed");
        bench.port(1, "none");
        assert.equal(bench.run(hook, ethernet(segment(CAP.local))).verdict, "passed");
      });

      it("counts what each next hop got", () => {
        bench.port(1, "client", TENANT);
        const before = bench.counters(HOP.remote);
        const syn = segment(CAP.remote, { sourcePort: 5 });
        const ack = segment(CAP.remote, { sourcePort: 5, flags: "A", payload: new Uint8Array(10) });
        bench.run(hook, ethernet(syn));
        bench.run(hook, ethernet(ack));
        const now = bench.counters(HOP.remote);
        assert.deepEqual(
          [now.packets - before.packets, now.octets - before.octets, now.flows - before.flows],
          [2n, BigInt(syn.length + ack.length), 1n],
        );
      });
    });

  describe("rate limit", () => {
    for (const hook of HOOKS)
      it(`drop-rate-limited after the burst, RST and echo go on (${hook})`, async () => {
        using bench = await makeWorld({ answersPerSecond: 0, answersBurst: 5 });
        // Each processor has a bucket of its own, and this process may be moved to another one in between.
        const most = 5 * cpus().length;
        const verdicts = Array.from(
          { length: most + 3 },
          () => bench.run(hook, ethernet(segment(CAP.unknown))).verdict,
        );
        const answered = verdicts.filter((verdict) => verdict === "reject-no-route").length;
        const dropped = verdicts.filter((verdict) => verdict === "drop-rate-limited").length;
        assert.ok(answered >= 5 && answered <= most, `${verdicts}`);
        assert.equal(answered + dropped, verdicts.length, `${verdicts}`);
        assert.equal(bench.run(hook, ethernet(segment(CAP.empty))).verdict, "reject-empty-group");
        const echo = icmp({ source: CLIENT, destination: CAP.local }, 128, 0, ECHO);
        assert.equal(bench.run(hook, ethernet(echo)).verdict, "answered-echo");
      });
  });
});

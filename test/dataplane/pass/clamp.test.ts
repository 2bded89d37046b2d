import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { PORT_FLAG } from "../../../src/dataplane/abi.ts";
import { HOOKS } from "./bench.ts";
import { ethernet, finished, tcp, unfinished } from "./frames.ts";
import { insideNamespace } from "./inside.ts";
import { ACTION, CAP, CLIENT, makeWorld, segment, TENANT } from "./world.ts";

/** What fits 1500 octets, without IPv6 and TCP headers. */
const FITS = { remote: 1500 - 40 - 60, segments: 1500 - 80 - 60, vxlan: 1500 - 70 - 60 } as const;
const mss = (value: number): number[] => [2, 4, value >> 8, value & 0xff];

/** Options of a SYN: with which the MSS begins at an even and at an odd place, and what comes out. */
const OPTIONS: readonly (readonly [name: string, before: number[], after: (fits: number) => number[]])[] = [
  ["too large", [...mss(8940), 1, 3, 3, 7], (fits) => [...mss(fits), 1, 3, 3, 7]],
  [
    "behind others, at an odd place",
    [1, 4, 2, 1, 1, ...mss(1440), 1, 1, 1],
    (fits) => [1, 4, 2, 1, 1, ...mss(fits), 1, 1, 1],
  ],
  ["small enough", mss(1220), () => mss(1220)],
  ["not there", [1, 1, 1, 0], () => [1, 1, 1, 0]],
  ["behind the end", [1, 1, 1, 0, ...mss(8940)], () => [1, 1, 1, 0, ...mss(8940)]],
  ["of a wrong length", [2, 3, 9, 1], () => [2, 3, 9, 1]],
  ["behind an option without a length", [5, 0, 1, 1, ...mss(8940)], () => [5, 0, 1, 1, ...mss(8940)]],
];

insideNamespace(import.meta.filename, () => {
  for (const hook of HOOKS)
    describe(`MSS of ${hook} (RFC 9293 §3.7.1, RFC 6691 §2)`, () => {
      for (const [name, before, after] of OPTIONS)
        for (const way of ["remote", "segments", "vxlan"] as const)
          it(`${name}: a SYN on the way into a tunnel (${way})`, async () => {
            using bench = await makeWorld();
            bench.port(1, "client", TENANT, PORT_FLAG.clamp);
            const done = bench.run(hook, ethernet(segment(CAP[way], { options: Uint8Array.from(before) })));
            const wanted = segment(CAP[way], { options: Uint8Array.from(after(FITS[way])), hopLimit: 63 });
            assert.equal(done.verdict, "encapsulated");
            assert.deepEqual(done.packet.slice(-wanted.length), wanted);
          });

      it("the answer to a SYN, on the way back from another site, belongs to the stack", async () => {
        using bench = await makeWorld();
        const answer = (value: number) =>
          tcp({
            ...{ source: CAP.segments, destination: CLIENT, sourcePort: 80, destinationPort: 40000, flags: "SA" },
            options: Uint8Array.from(mss(value)),
          });
        bench.port(1, "core", 0, PORT_FLAG.clamp);
        const done = bench.run(hook, ethernet(answer(1440)));
        assert.deepEqual([done.verdict, done.action], ["passed", ACTION.passed[hook]]);
        assert.deepEqual(done.packet.slice(), answer(FITS.segments));
      });

      it("nothing else: other segments, other flags of the port, local instances", async () => {
        using bench = await makeWorld();
        const options = Uint8Array.from(mss(8940));
        const last4 = (packet: Uint8Array): number[] => [...packet.slice(-4)];
        bench.port(1, "client", TENANT);
        assert.deepEqual(last4(bench.run(hook, ethernet(segment(CAP.remote, { options }))).packet), mss(8940));
        bench.port(1, "client", TENANT, PORT_FLAG.clamp);
        const later = segment(CAP.remote, { options, flags: "A" });
        assert.deepEqual(last4(bench.run(hook, ethernet(later)).packet), mss(8940));
        assert.deepEqual(last4(bench.run(hook, ethernet(segment(CAP.local, { options }))).packet), mss(8940));
      });

      if (hook === "xdp")
        it("an unfinished checksum stays one", async () => {
          using bench = await makeWorld();
          bench.port(1, "client", TENANT, PORT_FLAG.clamp | PORT_FLAG.partial);
          const syn = segment(CAP.remote, { options: Uint8Array.from(mss(8940)) });
          const inner = bench.run(hook, ethernet(unfinished(syn))).packet.slice(40);
          const wanted = segment(CAP.remote, { options: Uint8Array.from(mss(FITS.remote)), hopLimit: 63 });
          assert.deepEqual(finished(inner), wanted);
        });
    });
});

import fc from "fast-check";
import type { PassPort } from "../../../src/dataplane/memory/outcome.ts";
import { concatenate } from "../../../src/dataplane/memory/packet.ts";
import type { NextHopState } from "../../../src/forwarding/index.ts";
import {
  answered,
  errorToClient,
  fragmented,
  fromAgent,
  fromCapability,
  heartbeats,
  opening,
  segmentRouted,
  sentOn,
  toCapability,
  tunnelled,
  vxlanFrames,
} from "./arbitrary-packets.ts";
import { mostly, NEXT_HOPS, rarely, state } from "./arbitrary-plans.ts";
import { ETHERNET, story } from "./arbitrary-stories.ts";
import { SOURCES } from "./pool.ts";

/** Most frames stay as they are; some are cut, get a tail, or have octets changed (lengths among them). */
function damaged(packets: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> {
  const whole = packets.map((packet) => concatenate(ETHERNET, packet));
  const change = fc.tuple(fc.integer({ min: 12, max: 110 }), fc.nat(255));
  return fc.oneof(
    { weight: 10, arbitrary: whole },
    {
      weight: 1,
      arbitrary: fc.tuple(whole, fc.nat(120)).map(([frame, cut]) => frame.slice(0, Math.max(20, frame.length - cut))),
    },
    {
      weight: 1,
      arbitrary: fc.tuple(whole, fc.uint8Array({ minLength: 1, maxLength: 9 })).map((parts) => concatenate(...parts)),
    },
    {
      weight: 2,
      arbitrary: fc.tuple(whole, fc.array(change, { minLength: 1, maxLength: 3 })).map(([frame, changes]) => {
        const changed = frame.slice();
        for (const [at, octet] of changes) if (at < changed.length) changed[at] = octet;
        return changed;
      }),
    },
  );
}

export type Step =
  | { readonly type: "packet"; readonly port: PassPort; readonly hook: "xdp" | "tc"; readonly frame: Uint8Array }
  | { readonly type: "health"; readonly nextHop: number; readonly state: NextHopState }
  /** Time passes, in the units of `seen`: less and more than each idle limit. */
  | { readonly type: "age"; readonly by: number };

const hook = fc.constantFrom("xdp" as const, "tc" as const, "tc" as const, "tc" as const);
const tenantIndex = fc.constantFrom(1, 1, 1, 1, 1, 1, 1, 2);

/** One in six with VLAN tags: one, two, or more than anybody looks at; some are cut. */
function tagged(frames: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> {
  const tag = fc
    .tuple(mostly([0x8100], [0x88a8, 0x9100]), fc.constantFrom(0, 0x0064, 0xefff))
    .map(([type, control]) => Uint8Array.of(type >> 8, type & 0xff, control >> 8, control & 0xff));
  const tags = fc.array(tag, { minLength: 1, maxLength: 3 });
  const whole = fc
    .tuple(frames, tags, mostly([2000], [12, 13, 14, 15, 16, 17, 18, 20, 21, 22, 40, 57]))
    .map(([frame, list, length]) =>
      concatenate(frame.subarray(0, 12), ...list, frame.subarray(12)).subarray(0, Math.max(14, length)),
    );
  return fc.oneof({ weight: 5, arbitrary: frames }, { weight: 1, arbitrary: whole });
}

function packetStep(role: PassPort["role"], frames: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Step> {
  return fc.record({
    type: fc.constant("packet" as const),
    port: fc
      .record({
        role: fc.constant(role),
        tenantIndex: role === "core" ? mostly([0], [1, 2]) : tenantIndex,
        partialChecksums: fc.boolean(),
        clampsMss: fc.boolean(),
        acceptsTags: mostly([true], [false]),
        sources: role === "core" ? fc.constant(null) : rarely(fc.subarray(SOURCES)),
      })
      .map(({ sources, ...port }) => (sources === null ? port : { ...port, sources })),
    hook,
    frame: tagged(frames),
  });
}

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: packetStep("client", damaged(toCapability)) },
  {
    weight: 3,
    arbitrary: packetStep(
      "core",
      damaged(
        fc.oneof(
          ...[tunnelled, tunnelled, tunnelled, sentOn, sentOn, sentOn, sentOn, sentOn],
          ...[
            segmentRouted,
            segmentRouted,
            segmentRouted,
            vxlanFrames,
            vxlanFrames,
            vxlanFrames,
            heartbeats,
            heartbeats,
          ],
          ...[toCapability, fromCapability, opening(fromCapability)],
        ),
      ),
    ),
  },
  {
    weight: 4,
    arbitrary: packetStep(
      "agent",
      damaged(
        fc.oneof(
          ...[fromAgent, fromAgent, fromAgent, errorToClient, fragmented(fromAgent), toCapability, toCapability],
          ...[answered, fragmented(answered), fragmented(answered), fragmented(answered)],
        ),
      ),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constant("age" as const), by: fc.constantFrom(100, 130, 7400, 7500) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant("health" as const),
      nextHop: fc.integer({ min: 1, max: NEXT_HOPS }),
      state,
    }),
  },
);

/** What one packet alone reaches seldom is told as a story, between the steps of others. */
export const steps: fc.Arbitrary<Step[]> = fc
  .array(fc.oneof({ weight: 20, arbitrary: step.map((one) => [one]) }, { weight: 3, arbitrary: story(tagged, hook) }), {
    maxLength: 50,
    size: "max",
  })
  .map((parts) => parts.flat());

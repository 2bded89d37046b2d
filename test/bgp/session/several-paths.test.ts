import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type SessionEvent, step } from "../../../src/bgp/session/index.ts";
import { type AddPathFamily, IPV4_UNICAST, IPV6_UNICAST, notification } from "../../../src/bgp/wire/index.ts";
import { agreementSample, SESSIONS, SETTINGS, shown } from "./samples.ts";

const families = [IPV6_UNICAST, IPV4_UNICAST];

/** `send`, `receive`, `both`, `none` of IPv6 unicast, and what comes of two of them. @see RFC 7911 §4 */
const DIRECTIONS = {
  none: { send: false, receive: false },
  send: { send: true, receive: false },
  receive: { send: false, receive: true },
  both: { send: true, receive: true },
} as const;
type Direction = keyof typeof DIRECTIONS;

const AGREED: readonly (readonly [ours: Direction, theirs: Direction, want: Direction])[] = [
  ["none", "both", "none"],
  ["both", "none", "none"],
  ["send", "send", "none"],
  ["receive", "receive", "none"],
  ["send", "receive", "send"],
  ["receive", "send", "receive"],
  ["both", "receive", "send"],
  ["both", "send", "receive"],
  ["send", "both", "send"],
  ["receive", "both", "receive"],
  ["both", "both", "both"],
];

const offer = (direction: Direction, family = IPV6_UNICAST): readonly AddPathFamily[] =>
  direction === "none" ? [] : [{ family, ...DIRECTIONS[direction] }];

describe("ADD-PATH between two OPENs (RFC 7911 §4)", () => {
  for (const [ours, theirs, want] of AGREED) {
    it(`${ours} here and ${theirs} there: ${want}`, () => {
      const { addPath } = agreementSample({ families, addPath: offer(theirs) }, { families, addPath: offer(ours) });
      assert.deepEqual(addPath, offer(want));
    });
  }

  it("each family on its own, and none that was not agreed on", () => {
    const theirs = [...offer("both"), ...offer("receive", IPV4_UNICAST)];
    const ours = [...offer("receive"), ...offer("both", IPV4_UNICAST)];
    assert.deepEqual(agreementSample({ families, addPath: theirs }, { families, addPath: ours }).addPath, [
      ...offer("receive"),
      ...offer("send", IPV4_UNICAST),
    ]);
    const one = agreementSample({ families: [IPV4_UNICAST], addPath: theirs }, { families, addPath: ours });
    assert.deepEqual(one.addPath, offer("send", IPV4_UNICAST));
  });

  it("of a family that is named twice the last word counts", () => {
    const theirs = [...offer("both"), ...offer("send")];
    assert.deepEqual(
      agreementSample({ families, addPath: theirs }, { families, addPath: offer("both") }).addPath,
      offer("receive"),
    );
  });
});

describe("marks of a route refresh (RFC 7313)", () => {
  const family = SETTINGS.families[0]!;
  const marking = (theirs: boolean, ours: boolean) => ({
    ...SESSIONS.Established,
    agreed: agreementSample({ enhancedRouteRefresh: theirs }, { enhancedRouteRefresh: ours }),
  });
  const begin = { type: "RouteRefreshMsg", family, mark: "begin" } as const;
  const end = { type: "RouteRefreshMsg", family, mark: "end" } as const;
  const bad: SessionEvent = {
    type: "BGPHeaderErr",
    fault: notification(1, 2),
    refreshFault: notification(7, 1, Uint8Array.of(9)),
  };
  const effects = (session: ReturnType<typeof marking>, event: SessionEvent): string =>
    step(session, event, SETTINGS).effects.map(shown).join(", ");

  it("are agreed on where both offer them (§3.1), and mean nothing otherwise (§4)", () => {
    assert.deepEqual(
      [effects(marking(true, true), begin), effects(marking(true, true), end)],
      ["refreshBegins", "refreshEnds"],
    );
    for (const [theirs, ours] of [
      [true, false],
      [false, true],
      [false, false],
    ] as const) {
      const session = marking(theirs, ours);
      assert.deepEqual(
        [session.agreed.enhancedRouteRefresh, effects(session, begin), effects(session, end)],
        [false, "", ""],
      );
    }
  });

  it("of a family that was not agreed on mean nothing (RFC 2918 §4)", () => {
    assert.equal(effects(marking(true, true), { ...begin, family: { afi: 1, safi: 4 } }), "");
  });

  it("of a wrong length have an error of their own where they were agreed on (§5)", () => {
    assert.match(effects(marking(true, true), bad), /^notify 7\/1, close/);
    assert.match(effects(marking(true, false), bad), /^notify 1\/2, close/);
    const confirm = step(SESSIONS.OpenConfirm, bad, SETTINGS).effects.map(shown).join(", ");
    assert.match(confirm, /^notify 1\/2, close/);
  });
});

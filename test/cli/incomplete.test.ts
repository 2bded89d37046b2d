import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { alarmDetailsView, alarmsView } from "../../src/cli/views/alarms.ts";
import { eventsView } from "../../src/cli/views/events.ts";
import { showIncomplete } from "../../src/cli/views/incomplete.ts";
import * as views from "../../src/cli/views/index.ts";
import * as router from "../management/router.ts";

const STYLE = { paint: (_: string, text: string) => text };

/** Every view with an answer of a router that says everything. */
const VIEWS: readonly (readonly [name: string, answer: unknown, view: (answer: never) => string])[] = [
  ["status", router.STATUS, (answer) => views.statusView(answer, STYLE)],
  ["dataplane", router.STATUS, (answer) => views.dataplaneView(answer, STYLE)],
  ["alarms", router.ALARMS, (answer) => alarmsView(answer, STYLE)],
  ["alarms in detail", router.ALARMS, (answer) => alarmDetailsView(answer, STYLE)],
  ["events", router.EVENTS, (answer) => eventsView(answer)],
  ["agents", router.AGENTS, (answer) => views.agentsView(answer, STYLE)],
  ["capabilities", router.CAPABILITIES, (answer) => views.capabilitiesView(answer, STYLE)],
  ["routes", router.ROUTES, (answer) => views.routesView(answer, STYLE)],
  ["routes in detail", router.ROUTES, (answer) => views.routeDetailsView(answer, STYLE)],
  ["prefixes", router.PREFIXES, (answer) => views.unicastRoutesView(answer, STYLE)],
  ["prefixes in detail", router.PREFIXES, (answer) => views.unicastRouteDetailsView(answer, STYLE)],
  ["peers", router.PEERS, (answer) => views.peersView(answer, STYLE)],
  ["peers in detail", router.PEERS, (answer) => views.peerDetailsView(answer, STYLE)],
  ["fib", router.FIB, (answer) => views.fibView(answer, STYLE)],
  ["counters", router.COUNTERS, (answer) => views.countersView(answer, { all: true }, STYLE)],
  ["packet", router.PACKET, (answer) => views.packetView(answer, STYLE)],
  ["explain", router.EXPLAIN, (answer) => views.explainView(answer, STYLE)],
  ["policies", router.POLICIES, (answer) => views.policiesView(answer, STYLE)],
  ["mrt", router.MRT, (answer) => views.mrtView(answer, STYLE)],
  ["bmp", router.BMP, (answer) => views.bmpView(answer, STYLE)],
  ["rpki", router.RPKI, (answer) => views.rpkiView(answer, STYLE)],
  ["flows", router.FLOWS, (answer) => views.flowsView(answer, STYLE)],
  ["vrps", router.VRPS, (answer) => views.vrpsView(answer, STYLE)],
];

/** Every member below a value, `[]` for each entry. */
function membersOf(value: unknown, path: readonly string[] = []): readonly (readonly string[])[] {
  if (typeof value !== "object" || value === null) return [];
  if (Array.isArray(value)) {
    const all = value.flatMap((entry) => membersOf(entry, [...path, "[]"]));
    return [...new Map(all.map((one) => [one.join(), one])).values()];
  }
  return Object.entries(value).flatMap(([name, member]) => [[...path, name], ...membersOf(member, [...path, name])]);
}

function without(value: unknown, [name, ...rest]: readonly string[]): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((entry) => without(entry, rest));
  const { [name!]: member, ...others } = value as Record<string, unknown>;
  return rest.length === 0 || member === undefined ? others : { ...others, [name!]: without(member, rest) };
}

describe("a router that says less than this semrctl shows", () => {
  for (const [name, answer, view] of VIEWS)
    it(`${name}: without any one member it is shown all the same`, () => {
      const whole = view(answer as never);
      assert.deepEqual(showIncomplete(answer as never, view), { text: whole, missing: [] });
      const members = membersOf(answer);
      assert.ok(members.length >= 3);
      for (const member of members) {
        const { text, missing } = showIncomplete(without(answer, member) as never, view);
        const what = `without ${member.join(".")}, of which it says that ${missing} is missing:\n${text}`;
        assert.doesNotMatch(text, /\b(undefined|NaN)\b|\[object/, what);
        if (missing.length > 0)
          assert.ok(
            missing.some((path) => path.startsWith(member.join("."))),
            what,
          );
      }
    });

  it("names what is missing, and shows the rest", () => {
    const { tags: _, tenants: __, ...old } = router.COUNTERS;
    const { text, missing } = showIncomplete(old as never, (answer) =>
      views.countersView(answer, { all: false }, STYLE),
    );
    assert.deepEqual([...missing].sort(), ["tags", "tenants"]);
    assert.match(text, /r2 +fd00:ffff::2 +134/);
  });

  it("a view that fails for another reason fails as before", () => {
    const defect = new TypeError("a defect");
    assert.throws(
      () =>
        showIncomplete({ a: 1 }, () => {
          throw defect;
        }),
      defect,
    );
  });
});

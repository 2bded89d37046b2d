import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { formatIpv6, parseIpv6, parseIpv6Prefix } from "../../../src/base/index.ts";
import {
  type PolicyActions,
  PolicyBook,
  type PolicyConditions,
  type PolicyStatement,
} from "../../../src/bgp/policy/index.ts";
import type { PeerFamily } from "../../../src/bgp/speaker/index.ts";
import type { AttributeSet } from "../../../src/rib/index.ts";
import { idOf, interval, prefix, statement } from "../policy/world.ts";
import { setSample } from "../wire/samples.ts";
import type { Router } from "./router.ts";
import { A, B, C, Scene } from "./scene.ts";

const capabilities = (...numbers: number[]): PolicyConditions => ({
  capabilities: { option: "any", set: { ids: numbers.map(idOf) } },
});
const scored = (minimum: number, maximum: number): PolicyConditions => ({ score: interval(minimum, maximum) });
const marked = { communities: { operation: "add", values: [(65000 << 16) | 7] } } as const satisfies PolicyActions;

function bookOf(statements: readonly PolicyStatement[], localAs = 65000): PolicyBook {
  return new PolicyBook([{ name: "p", statements }], { localAs });
}

const hits = (book: PolicyBook): string[] =>
  Array.from(book.hits(), ({ statement: name, sets, routes }) => `${name} ${sets} ${routes}`);

/** Number of the capability and one of its attributes. */
function seen<T>(router: Router, from: Router, read: (set: AttributeSet) => T): Record<number, T> {
  const rows = router.rows().filter(({ originId }) => originId === from.originId);
  return Object.fromEntries(
    rows.map(({ key, attributes }) => [new DataView(key.buffer, key.byteOffset).getUint32(22), read(attributes)]),
  );
}

const UNICAST: readonly PeerFamily[] = [{ family: "ipv6-unicast" }];
const prefixes = (router: Router): Record<string, AttributeSet> =>
  Object.fromEntries(
    [...router.rib.unicast("ipv6-unicast").rowsOf({})].map(({ address, length, attributes }) => [
      `${formatIpv6(address)}/${length}`,
      attributes,
    ]),
  );
function tell(router: Router, text: string): void {
  const { localPref: _, semantic: _s, ...set } = setSample({ nextHop: router.nextHop });
  router.speaker.originateUnicast({ family: "ipv6-unicast", ...parseIpv6Prefix(text)! }, set);
}

describe("import policy of a session", () => {
  it("changes and refuses routes by their key, each message in as many parts as there are answers", async (t) => {
    const scene = new Scene(t);
    const book = bookOf([
      statement(capabilities(2, 4), "accept", { localPref: 50 }, "low"),
      statement(capabilities(5), "reject", {}, "no"),
      statement({}, "next-statement", marked, "rest"),
    ]);
    const a = await scene.router({ address: A, identifier: "10.0.0.1", peers: [{ address: B }] });
    const b = await scene.router({
      address: B,
      identifier: "10.0.0.2",
      peers: [{ address: A, importPolicy: book.chain(["p"]) }],
    });
    for (let n = 1; n <= 6; n++) a.originate(n);
    scene.quiet(a, b);
    assert.deepEqual(
      seen(b, a, ({ localPref, communities }) => [localPref, communities.length]),
      { 1: [100, 1], 2: [50, 0], 3: [100, 1], 4: [50, 0], 6: [100, 1] },
    );
    // One set: "low" gave one answer, for two routes, and so on.
    assert.deepEqual(hits(book), ["low 1 2", "no 1 1", "rest 1 3"]);
    assert.equal(b.metrics.sum("semrd_bgp_refused_routes_total", { reason: "policy" }), 1);
  });

  it("asks once for each set, not for each route", async (t) => {
    const scene = new Scene(t);
    const book = bookOf([statement(scored(0, 10), "accept", { localPref: 70 })]);
    const a = await scene.router({ address: A, identifier: "10.0.0.1", peers: [{ address: B }] });
    const b = await scene.router({
      address: B,
      identifier: "10.0.0.2",
      peers: [{ address: A, importPolicy: book.chain(["p"]) }],
    });
    // As many as go out together: one UPDATE a set, each more than is taken in one go.
    for (let n = 0; n < 1800; n++) a.originate(n, {}, { score: n % 3 });
    scene.quiet(a, b);
    assert.equal(b.rib.capability.routes, 1800);
    assert.deepEqual(hits(book), ["s 3 1800"]);
  });

  it("a route that it refuses now takes the place of one that it took (RFC 4271 §3.2)", async (t) => {
    const scene = new Scene(t);
    const book = bookOf([statement(scored(0, 2), "reject"), statement({}, "accept")]);
    const a = await scene.router({ address: A, identifier: "10.0.0.1", peers: [{ address: B }] });
    const b = await scene.router({
      address: B,
      identifier: "10.0.0.2",
      peers: [{ address: A, importPolicy: book.chain(["p"]) }],
    });
    a.originate(1, {}, { score: 7 });
    scene.quiet(a, b);
    assert.deepEqual(b.known(a), ["1"]);
    a.originate(1, {}, { score: 1 });
    scene.until("withdrawn", () => b.known(a).length === 0);
    a.originate(1, {}, { score: 3 });
    scene.until("back", () => b.known(a).length === 1);
  });

  it("decides which of two sites wins", async (t) => {
    const scene = new Scene(t);
    const book = bookOf([statement({}, "accept", { localPref: 50 })]);
    const a = await scene.router({ address: A, identifier: "10.0.0.1", peers: [{ address: B }] });
    const c = await scene.router({ address: C, identifier: "10.0.0.3", peers: [{ address: B }] });
    const b = await scene.router({
      address: B,
      identifier: "10.0.0.2",
      peers: [{ address: A, importPolicy: book.chain(["p"]) }, { address: C }],
    });
    a.originate(1, {}, { score: 9 });
    c.originate(1, {}, { score: 3 });
    scene.quiet(a, b, c);
    const { candidates } = b.rib.capability.select(1, idOf(1));
    assert.deepEqual(
      candidates.map(({ candidate, judgement, step }) => [candidate.originId, judgement, step]),
      [
        [c.originId, "winner", "local-preference"],
        [a.originId, "excluded", "local-preference"],
      ],
    );
  });

  it("takes prefixes of a set only", async (t) => {
    const scene = new Scene(t);
    const set = { members: [prefix("2001:db8::/32 33-48")] };
    const book = bookOf([statement({ prefixes: { option: "invert", set } }, "reject")]);
    const a = await scene.router({ address: A, identifier: "10.0.0.1", peers: [{ address: B, families: UNICAST }] });
    const b = await scene.router({
      address: B,
      identifier: "10.0.0.2",
      peers: [{ address: A, families: UNICAST, importPolicy: book.chain(["p"]) }],
    });
    for (const text of ["2001:db8::/32", "2001:db8:1::/48", "2001:db8:1:2::/64", "::/0", "2001:db8:8000::/33"])
      tell(a, text);
    scene.quiet(a, b);
    assert.deepEqual(Object.keys(prefixes(b)).sort(), ["2001:db8:1::/48", "2001:db8:8000::/33"]);
    assert.deepEqual(hits(book), ["s 1 3"]);
  });
});

describe("export policy of a session", () => {
  it("tells and withdraws by key and by attributes", async (t) => {
    const scene = new Scene(t);
    const book = bookOf([
      statement(capabilities(2), "reject", {}, "secret"),
      statement(scored(0, 2), "reject", {}, "poor"),
      statement({}, "accept", marked, "rest"),
    ]);
    const a = await scene.router({
      address: A,
      identifier: "10.0.0.1",
      peers: [{ address: B, exportPolicy: book.chain(["p"]) }],
    });
    const b = await scene.router({ address: B, identifier: "10.0.0.2", peers: [{ address: A }] });
    for (let n = 1; n <= 4; n++) a.originate(n);
    scene.quiet(a, b);
    assert.deepEqual(b.known(a), ["1", "3", "4"]);
    assert.deepEqual(hits(book), ["secret 1 1", "poor 0 0", "rest 1 3"]);
    assert.equal(a.metrics.sum("semrd_bgp_withheld_routes_total", { reason: "policy" }), 1);
    a.originate(3, {}, { score: 1 });
    scene.until("the poor route is withdrawn", () => b.known(a).join() === "1,4");
    assert.deepEqual(hits(book), ["secret 1 1", "poor 1 1", "rest 1 3"]);
  });

  /** Three routers, the first one with this policy for both of its neighbours. */
  async function star(scene: Scene, book: PolicyBook): Promise<readonly [Router, Router, Router]> {
    const exportPolicy = book.chain(["p"]);
    const peers = [B, C].map((address) => ({ address, exportPolicy }));
    const a = await scene.router({ address: A, identifier: "10.0.0.1", peers });
    const b = await scene.router({ address: B, identifier: "10.0.0.2", peers: [{ address: A }] });
    const c = await scene.router({ address: C, identifier: "10.0.0.3", peers: [{ address: A }] });
    a.originate(1);
    scene.quiet(a, b, c);
    return [a, b, c];
  }

  it("neighbours with the same policy share its answers", async (t) => {
    const book = bookOf([statement({}, "accept", marked)]);
    const [a, b, c] = await star(new Scene(t), book);
    assert.deepEqual([b.known(a), c.known(a)], [["1"], ["1"]]);
    assert.deepEqual(hits(book), ["s 1 2"]);
  });

  it("a policy that looks at the neighbour is asked for each", async (t) => {
    const peers = { option: "any", set: { addresses: [B] } } as const;
    const book = bookOf([statement({ peers }, "reject", {}, "b"), statement({}, "accept", {}, "others")]);
    const [a, b, c] = await star(new Scene(t), book);
    assert.deepEqual([b.known(a), c.known(a)], [[], ["1"]]);
    assert.deepEqual(hits(book), ["b 1 1", "others 1 1"]);
  });

  it("across the border: own MED and own AS go out, the next AS applies its own (RFC 8212, RFC 4271 §5.1.4)", async (t) => {
    const scene = new Scene(t);
    const out = bookOf([statement({}, "accept", { multiExitDisc: 30, prepend: { count: 2 } })]);
    const into = bookOf(
      [
        statement({ asPath: { option: "any", set: { members: [[interval(65000), "many"]] } } }, "accept", {
          localPref: 300,
        }),
      ],
      65001,
    );
    const a = await scene.router({
      address: A,
      identifier: "10.0.0.1",
      peers: [{ address: B, remoteAs: 65001, exportPolicy: out.chain(["p"]) }],
    });
    const b = await scene.router({
      address: B,
      identifier: "10.0.0.2",
      localAs: 65001,
      peers: [{ address: A, remoteAs: 65000, importPolicy: into.chain(["p"]) }],
    });
    a.originate(1);
    scene.quiet(a, b);
    assert.deepEqual(
      seen(b, a, ({ asPath, multiExitDisc, localPref }) => ({ path: asPath[0]?.numbers, multiExitDisc, localPref })),
      { 1: { path: [65000, 65000, 65000], multiExitDisc: 30, localPref: 300 } },
    );
  });

  it("a session whose policies decide nothing takes and gives nothing across the border (RFC 8212 §2)", async (t) => {
    const scene = new Scene(t);
    const silent = bookOf([statement({}, "next-statement", marked)]);
    const a = await scene.router({
      address: A,
      identifier: "10.0.0.1",
      peers: [{ address: B, remoteAs: 65001, exportPolicy: silent.chain(["p"]) }],
    });
    const b = await scene.router({
      address: B,
      identifier: "10.0.0.2",
      localAs: 65001,
      peers: [{ address: A, remoteAs: 65000, importPolicy: bookOf([statement({}, "accept")]).chain(["p"]) }],
    });
    a.originate(1);
    scene.quiet(a, b);
    assert.deepEqual(b.known(a), []);
    assert.equal(a.metrics.sum("semrd_bgp_withheld_routes_total", { reason: "no-policy" }), 1);
  });

  it("own next hop inside the AS, of the session and not of the tunnels", async (t) => {
    const scene = new Scene(t);
    const book = bookOf([
      statement({ prefixes: { option: "any", set: { members: [prefix("2001:db8:1::/48")] } } }, "accept", {
        nextHop: "self",
      }),
    ]);
    const a = await scene.router({
      address: A,
      identifier: "10.0.0.1",
      peers: [{ address: B, families: UNICAST, exportPolicy: book.chain(["p"]) }],
    });
    const b = await scene.router({ address: B, identifier: "10.0.0.2", peers: [{ address: A, families: UNICAST }] });
    tell(a, "2001:db8:1::/48");
    tell(a, "2001:db8:2::/48");
    scene.quiet(a, b);
    const hops = Object.entries(prefixes(b)).map(([text, { nextHop }]) => `${text} ${formatIpv6(nextHop)}`);
    assert.deepEqual(hops.sort(), [
      `2001:db8:1::/48 ${formatIpv6(parseIpv6(A)!)}`,
      `2001:db8:2::/48 ${formatIpv6(a.nextHop)}`,
    ]);
  });
});

import assert from "node:assert/strict";
import { it } from "node:test";
import { milliseconds, parseIpv6 } from "../../src/base/index.ts";
import { ACK, addressOf, endpointText, NAMES, type Router, SYN, send, startRouter } from "./one-router.ts";

const INSTANCES = 1000;
const AT_ONCE = 25;
const OCR = NAMES[0]!;
const FLOWS = 200;
const DESTINATION = addressOf(1, OCR);

const idOf = (n: number, minor: number) => `spiffe://example.net/acme/agent/v1-${minor}-${n}`;
const endpointOf = (n: number, minor: number) =>
  ({ address: parseIpv6(`fd00:a:${minor}::${n.toString(16)}`)!, port: 8080, protocol: "tcp" }) as const;
const placeOf = (n: number, minor: number) => endpointText(endpointOf(n, minor).address, 8080);

function register({ directory }: Router, n: number, minor: number): void {
  directory.register({
    ...{ agent: idOf(n, minor), tenant: "acme", source: "registration", lease: milliseconds(3_600_000) },
    offers: [
      {
        ...{ capability: OCR, version: { major: 1, minor }, servicePort: 80, weight: 10, labels: [] },
        endpoint: endpointOf(n, minor),
      },
    ],
  });
}

it("a thousand instances are drained and replaced by the next version, and no connection notices", async () => {
  const router = await startRouter();
  const { clock, directory } = router;
  for (let n = 1; n <= INSTANCES; n++) register(router, n, 0);
  clock.advance(10_000);
  const at = (sourcePort: number, flags: number) =>
    send(router, { from: 1, destination: DESTINATION, sourcePort, flags });
  const begun = new Map<number, string>();
  for (let flow = 0; flow < FLOWS; flow++) begun.set(1024 + flow, at(1024 + flow, SYN)!);

  const draining = new Set<string>();
  let next = 1024 + FLOWS;
  for (let first = 1; first <= INSTANCES; first += AT_ONCE) {
    const wave = Array.from({ length: Math.min(AT_ONCE, INSTANCES - first + 1) }, (_, i) => first + i);
    for (const n of wave) {
      directory.drain(idOf(n, 0), "operator");
      draining.add(placeOf(n, 0));
      register(router, n, 1);
    }
    clock.advance(1000);
    for (let request = 0; request < 20; request++) {
      const place = at(next++, SYN);
      assert.ok(place !== undefined && !draining.has(place), `a new connection went to ${place}`);
    }
    for (const [port, place] of begun) assert.equal(at(port, ACK), place, "a connection that goes on was moved");
  }
  for (let n = 1; n <= INSTANCES; n++) directory.remove(idOf(n, 0), "deregistered");
  clock.advance(10_000);
  const versions = new Set(Array.from(directory.instances(), ({ version }) => version.minor));
  assert.deepEqual([...versions], [1]);
  for (let request = 0; request < 20; request++) assert.match(at(next++, SYN) ?? "nowhere", /^fd00:a:1::/);
  await router.scene.close();
});

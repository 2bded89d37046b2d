import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { milliseconds } from "../../src/base/index.ts";
import { Directory, decodeAgentRecord, encodeAgentRecord } from "../../src/directory/index.ts";
import { NAMES, offer } from "../daemon/domain.ts";
import { TallyMetrics } from "../sim/tally-metrics.ts";
import { VirtualClock } from "../sim/virtual-clock.ts";

const ALICE = "spiffe://example.net/acme/agent/alice";

describe("an agent that claims to be here", () => {
  let clock: VirtualClock;
  let directory: Directory;
  let claims: string[];
  const offers = [offer(NAMES[0]!)];
  const register = (source: "registration" | "configuration" = "registration"): void => {
    const lease = source === "registration" ? { lease: milliseconds(60_000) } : {};
    directory.register({ agent: ALICE, tenant: "acme", source, offers, ...lease });
  };

  beforeEach(() => {
    clock = new VirtualClock();
    directory = new Directory({ perAgent: 5, perTenant: 5 }, { clock, metrics: new TallyMetrics() });
    claims = [];
    directory.subscribeClaims((agent) => claims.push(agent));
  });

  it("does so when it registers, and again when it registers again, unchanged as it may be", () => {
    register();
    assert.deepEqual(claims.splice(0), [ALICE]);
    clock.advance(1000);
    register();
    assert.deepEqual(claims.splice(0), [ALICE]);
  });

  it("does not when its lease is renewed, it drains, its health changes, or it goes", () => {
    register();
    claims.splice(0);
    clock.advance(1000);
    directory.renew(ALICE, milliseconds(60_000));
    directory.drain(ALICE, "agent");
    directory.setHealth(directory.instancesOf(ALICE)[0]!.id, "down");
    directory.remove(ALICE, "deregistered");
    assert.deepEqual(claims, []);
  });

  it("of the configuration it does once, and at no time", () => {
    register("configuration");
    clock.advance(1000);
    register("configuration");
    assert.deepEqual(claims, [ALICE]);
    assert.equal(directory.known(ALICE).claimedAt, undefined);
  });

  it("is remembered with the time of the claim, by records of before that time as well", () => {
    register();
    const record = directory.known(ALICE);
    assert.equal(record.claimedAt, clock.wall());
    assert.deepEqual(decodeAgentRecord(JSON.parse(JSON.stringify(encodeAgentRecord(record)))), record);
    const { claimedAt: _, ...older } = record;
    assert.deepEqual(decodeAgentRecord(JSON.parse(JSON.stringify(encodeAgentRecord(older)))), older);
  });
});

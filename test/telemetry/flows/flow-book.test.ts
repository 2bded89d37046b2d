import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { milliseconds, parseIpv6 } from "../../../src/base/index.ts";
import { FlowBook, type FlowRecord, type SeenFlow } from "../../../src/telemetry/index.ts";
import { VirtualClock } from "../../sim/virtual-clock.ts";

const FLOW: SeenFlow = {
  at: milliseconds(1000),
  ...{ client: parseIpv6("fd00:c::10")!, clientPort: 40000, address: parseIpv6("fd5e::1")!, port: 80, protocol: 6 },
  ...{ interface: 7, length: 60, verdict: "delivered", interval: 1, tenantIndex: 1, tenant: "acme" },
};

const OPTIONS = { activeTimeout: milliseconds(60_000), idleTimeout: milliseconds(10_000), most: 3 };

/** A flow whose counts the test sets. */
class Served {
  #amount: { packets: number; octets: bigint; packetsBack: number; octetsBack: bigint; closed: boolean } | undefined = {
    ...{ packets: 1, octets: 60n, packetsBack: 0, octetsBack: 0n, closed: false },
  };

  readonly progress = () => this.#amount;

  carry(packets: number): void {
    const { packets: before, octets, packetsBack, octetsBack } = this.#amount!;
    this.#amount = {
      ...{ packets: before + packets, octets: octets + BigInt(packets) * 100n, closed: false },
      ...{ packetsBack: packetsBack + 2 * packets, octetsBack: octetsBack + BigInt(packets) * 1000n },
    };
  }

  close(): void {
    this.#amount = { ...this.#amount!, closed: true };
  }

  forget(): void {
    this.#amount = undefined;
  }
}

function book(options = OPTIONS) {
  const clock = new VirtualClock();
  const records: FlowRecord[] = [];
  const flows = new FlowBook(options, clock, (record) => records.push(record));
  const told = () =>
    records
      .splice(0)
      .map(({ reason, packets, octets, packetsBack }) => `${reason} ${packets} ${octets} ${packetsBack}`);
  return { clock, flows, told, records };
}

describe("records of flows", () => {
  it("one that closes is told of once, with all that it carried", () => {
    const { clock, flows, told } = book();
    const served = new Served();
    flows.begun("a", FLOW, served.progress);
    served.carry(9);
    served.close();
    clock.advance(milliseconds(2000));
    assert.deepEqual(told(), ["closed 10 960 18"]);
    assert.equal(flows.active, 0);
    clock.advance(milliseconds(100_000));
    assert.deepEqual([told(), clock.armed], [[], 0]);
  });

  it("one that lasts is told of each active timeout, with what came since; then it is idle", () => {
    const { clock, flows, told } = book();
    const served = new Served();
    flows.begun("a", FLOW, served.progress);
    for (let i = 0; i < 125; i++) {
      served.carry(1);
      clock.advance(milliseconds(1000));
    }
    const [first, second, ...rest] = told();
    assert.match(first!, /^active (60|61|62) /);
    assert.match(second!, /^active (59|60|61) /);
    assert.deepEqual(rest, []);
    clock.advance(milliseconds(15_000));
    const [last] = told();
    assert.match(last!, /^idle \d /);
    const packets = [first, second, last].map((text) => Number(text!.split(" ")[1]));
    assert.equal(
      packets.reduce((sum, count) => sum + count),
      126,
    );
  });

  it("one whose entry went is forgotten with what was last seen of it", () => {
    const { clock, flows, told } = book();
    const served = new Served();
    flows.begun("a", FLOW, served.progress);
    served.carry(4);
    clock.advance(milliseconds(1500));
    served.forget();
    clock.advance(milliseconds(1500));
    assert.deepEqual(told(), ["forgotten 5 460 8"]);
  });

  it("one of another router and one too many are told of when they begin, a refused packet at once", () => {
    const { flows, told } = book();
    flows.begun("elsewhere", { ...FLOW, verdict: "encapsulated" }, undefined);
    for (const key of ["a", "b", "c", "d"]) flows.begun(key, FLOW, new Served().progress);
    flows.refused({ ...FLOW, verdict: "reject-tenant" });
    assert.deepEqual(told(), ["begun 1 60 0", "begun 1 60 0", "refused 1 60 0"]);
    assert.deepEqual([flows.active, flows.unwatched], [3, 1]);
    assert.equal([...flows.records()].length, 3);
  });

  it("the same ports again end the flow before", () => {
    const { flows, told } = book();
    flows.begun("a", FLOW, new Served().progress);
    flows.begun("a", FLOW, new Served().progress);
    assert.deepEqual(told(), ["forgotten 0 0 0"]);
    assert.equal(flows.active, 1);
  });

  it("what goes on is told of at the end, and nothing is left behind", () => {
    const { clock, flows, told } = book();
    const served = new Served();
    flows.begun("a", FLOW, served.progress);
    served.carry(1);
    flows[Symbol.dispose]();
    assert.deepEqual(told(), ["active 2 160 2"]);
    assert.equal(clock.armed, 0);
  });

  it("thousands are looked at in parts, each within two rounds", () => {
    const { clock, flows, records } = book({ ...OPTIONS, most: 10_000 });
    const all = Array.from({ length: 5000 }, () => new Served());
    for (const [i, served] of all.entries()) flows.begun(String(i), FLOW, served.progress);
    for (const served of all) served.close();
    clock.advance(milliseconds(2500));
    assert.equal(records.length, 5000);
    assert.equal(flows.active, 0);
  });
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type CapabilityId,
  type CapabilityName,
  capabilityId,
  milliseconds,
  parseIpv6,
  toHex,
} from "../../src/base/index.ts";
import type { CapabilitySiteNlri } from "../../src/bgp/wire/index.ts";
import { UnservedCapabilities } from "../../src/daemon/alarms/index.ts";
import type { ControlParts } from "../../src/daemon/control.ts";
import { CapabilityEvents } from "../../src/daemon/events/index.ts";
import { ExecutorHealth } from "../../src/daemon/executor-health.ts";
import { Names } from "../../src/daemon/names.ts";
import { SelectionFan } from "../../src/daemon/selection-fan.ts";
import { SiteGateway } from "../../src/daemon/site-gateway.ts";
import { capabilityState } from "../../src/daemon/state/forwarding.ts";
import { Taxonomy } from "../../src/directory/index.ts";
import { formatPath } from "../../src/management/index.ts";
import type { AttributeSet, CapabilitySelection, Tenant } from "../../src/rib/index.ts";
import { SeededRandom } from "../sim/seeded-random.ts";
import { VirtualClock } from "../sim/virtual-clock.ts";
import { ReusedSelection } from "./reused-selection.ts";

const [OCR, XRAY, SPEECH] = ["/vision/ocr", "/vision/xray", "/audio/speech"] as [
  CapabilityName,
  CapabilityName,
  CapabilityName,
];
const TENANTS: readonly Tenant[] = ["acme", "globex"].map((name, at) => ({
  ...{ name, index: at + 1, importTargets: [], exportTargets: [] },
  routeDistinguisher: new Uint8Array(8).fill(at + 1),
}));
const taxonomy = new Taxonomy({
  ...{ revision: 1, domain: { address: parseIpv6("fd5e:3d00:1::")!, length: 48 }, dnsZone: "agents.example.net" },
  ...{ families: new Map(), tenants: new Map(TENANTS.map(({ name, index }) => [name, index])) },
  capabilities: [
    { name: OCR, majorVersion: 1, servicePort: 80, protocol: "tcp" },
    { name: OCR, majorVersion: 2, servicePort: 80, protocol: "tcp" },
    { name: XRAY, majorVersion: 1, servicePort: 80, protocol: "tcp" },
  ],
});
const names = new Names(taxonomy, new Map(), 1);

interface Told {
  readonly name: CapabilityName;
  readonly version?: number;
  readonly tenantIndex?: number;
  /** Who serves it, by the last octet of the locator. */
  readonly sites?: readonly number[];
}

function selectionOf({ name, version = 1, tenantIndex = 1, sites = [7] }: Told): CapabilitySelection {
  const group = sites.map((site) => ({
    ...{ originId: site, nextHop: new Uint8Array(16).fill(site), local: false, peer: 1, attributes: 1 },
    ...{ weight: 1, stale: false, learntAt: milliseconds(0) },
  }));
  return {
    ...{ tenantIndex, capabilityId: capabilityId(name, version), group, winner: group[0] },
    name: sites.length === 0 ? undefined : name,
    candidates: group.map((candidate, at) => ({
      ...{ candidate, judgement: at === 0 ? "winner" : "group", usable: true, step: "", reason: "" },
    })),
  };
}

/** All that is decided stands in the same memory. */
function decisions() {
  const fan = new SelectionFan();
  const reused = new ReusedSelection();
  const decide = (...all: readonly Told[]): void => {
    for (const one of all) reused.tell(selectionOf(one), (selection) => fan.site(selection));
  };
  return { fan, reused, decide };
}

describe("a decision whose memory is that of the next one", () => {
  it("is news once for each capability of each tenant, and an alarm of each that nobody serves any more", () => {
    const { fan, reused, decide } = decisions();
    const told: unknown[] = [];
    const unserved = new UnservedCapabilities({ taxonomy, names }, new SeededRandom(1));
    using events = new CapabilityEvents(
      fan,
      () => names,
      (_, { event, tenant, capability }) => told.push(`${event} ${tenant} ${capability}`),
      new SeededRandom(2),
      (selection, isReachable) => unserved.changed(selection, isReachable),
    );
    decide({ name: OCR }, { name: XRAY }, { name: OCR, tenantIndex: 2 }, { name: SPEECH });
    assert.equal(reused.names, 0, "nobody is told, so nobody asks for a name");
    events.converged();
    decide({ name: OCR }, { name: XRAY, sites: [8, 9] }, { name: OCR, tenantIndex: 2 });
    assert.deepEqual([told, reused.names], [[], 0], "no news");
    const gone = { sites: [] };
    decide({ name: OCR, ...gone }, { name: XRAY, ...gone }, { name: SPEECH, ...gone }, { name: XRAY, ...gone });
    assert.deepEqual(told.splice(0), [
      `unreachable acme ${OCR}`,
      `unreachable acme ${XRAY}`,
      `unreachable acme ${toHex(capabilityId(SPEECH, 1))}`,
    ]);
    const alarms = (): string[] => [...unserved.conditions().values()].map(({ text }) => text.split(" any more")[0]!);
    // What the taxonomy does not have is nobody's concern.
    const both = [OCR, XRAY].map((name) => `no site serves ${name} version 1 for acme`);
    assert.deepEqual(alarms().toSorted(), both);
    decide({ name: OCR, tenantIndex: 2, ...gone }, { name: XRAY });
    assert.deepEqual(alarms().toSorted(), [both[0], both[0]!.replace("acme", "globex")]);
    decide({ name: OCR }, { name: OCR, tenantIndex: 2 });
    assert.deepEqual(alarms(), []);
    assert.deepEqual(told, [
      `unreachable globex ${OCR}`,
      `reachable acme ${XRAY}`,
      `reachable acme ${OCR}`,
      `reachable globex ${OCR}`,
    ]);
  });

  it("is said by a gateway and retracted as what it was", () => {
    const { fan, reused, decide } = decisions();
    const said = new Map<string, AttributeSet>();
    const keyOf = ({ routeDistinguisher, capabilityId, originId }: CapabilitySiteNlri): string =>
      `${routeDistinguisher[0]} ${toHex(capabilityId)} ${originId}`;
    const nlris: CapabilitySiteNlri[] = [];
    const set = { extendedCommunities: [], originatorId: 5, clusterList: [6] } as unknown as AttributeSet;
    let asked = 0;
    const gateway = new SiteGateway({
      rib: {
        attributes: {
          get() {
            asked++;
            return set;
          },
        },
        capability: { destinations: () => [].values() },
      } as never,
      selections: fan,
      mirror: {
        sayOther(nlri, one) {
          nlris.push(nlri);
          said.set(keyOf(nlri), one);
        },
        retractOther: (nlri) => assert.ok(said.delete(keyOf(nlri)), `${keyOf(nlri)} was not said`),
      },
      clock: new VirtualClock(),
      random: new SeededRandom(1),
    });
    decide({ name: OCR });
    assert.equal(asked, 0, "it looks at nothing before there is somebody to speak for");
    gateway.change([TENANTS[0]!]);
    decide({ name: OCR }, { name: XRAY }, { name: SPEECH, tenantIndex: 2 });
    assert.equal(asked, 2);
    const keys = (...all: readonly [CapabilityName, number][]) =>
      all.map(([name, origin]) => `1 ${toHex(capabilityId(name, 1))} ${origin}`);
    assert.deepEqual([...said.keys()], keys([OCR, 7], [XRAY, 7]));
    decide({ name: OCR }, { name: XRAY, sites: [8] });
    assert.deepEqual([...said.keys()], keys([OCR, 7], [XRAY, 8]));
    assert.equal(nlris[2], nlris[0], "said again as the same");
    assert.deepEqual([...new Set(nlris.map(keyOf))], keys([OCR, 7], [XRAY, 7], [XRAY, 8]), "what was handed on stays");
    decide({ name: OCR, sites: [] });
    assert.deepEqual([...said.keys()], keys([XRAY, 8]));
    gateway.change(undefined);
    assert.equal(said.size, 0);
    decide({ name: OCR });
    assert.deepEqual([said.size, reused.names], [0, 0]);
  });

  it("says which capability of the model has other state, of that version alone, and also when its last site has gone", () => {
    const { fan, reused, decide } = decisions();
    const changed: string[] = [];
    const source = capabilityState({ taxonomy, names } as ControlParts, fan);
    using _watch = source.watch!((path) => changed.push(formatPath(path)));
    decide({ name: OCR, version: 2 }, { name: XRAY }, { name: SPEECH }, { name: OCR, sites: [] });
    const at = (name: string, version: number) =>
      `/semrd-router:router/semrd-taxonomy:taxonomy/capability[name='${name}'][major-version='${version}']/state`;
    assert.deepEqual(changed, [at(OCR, 2), at(XRAY, 1), at(OCR, 1)]);
    assert.equal(reused.names, 0);
  });

  it("loses nothing where the executor cannot reach a site: its name is made when it is read", () => {
    const reused = new ReusedSelection();
    let tell: (news: { nextHop: unknown; unreachable: boolean; reason: string }) => void = () => undefined;
    const driver = {
      watchNextHops(told: typeof tell) {
        tell = told;
      },
    };
    using health = new ExecutorHealth({
      ...{ driver, clock: new VirtualClock(), random: new SeededRandom(1), log: {}, directory: {} },
    } as never);
    tell({ nextHop: { kind: "tunnel", locator: new Uint8Array(16).fill(7) }, unreachable: true, reason: "dark" });
    let left: { group: number[]; candidates: number; id: CapabilityId; tenantIndex: number } | undefined;
    reused.tell(selectionOf({ name: OCR, sites: [7, 8] }), (selection) => {
      const eligible = health.eligible(selection);
      const { group, candidates, capabilityId, tenantIndex, winner } = eligible;
      assert.equal(reused.names, 0);
      assert.equal(eligible.name, OCR);
      assert.equal(winner, selection.winner);
      left = {
        group: group.map(({ originId }) => originId),
        candidates: candidates.length,
        id: capabilityId.slice(),
        tenantIndex,
      };
    });
    assert.deepEqual(left, { group: [8], candidates: 2, id: capabilityId(OCR, 1), tenantIndex: 1 });
  });
});

it("who begins or ends to listen while a decision is told changes nothing for the others", () => {
  const fan = new SelectionFan();
  const told: string[] = [];
  const second = () => fan.subscribe({ site: () => void told.push("second") });
  let other: Disposable | undefined;
  using first = fan.subscribe({
    site() {
      told.push("first");
      if (other === undefined) other = second();
      else other[Symbol.dispose]();
    },
  });
  using _last = fan.subscribe({ site: () => void told.push("last"), agent: () => void told.push("agent") });
  const decide = () => {
    fan.site(selectionOf({ name: OCR }));
    return told.splice(0);
  };
  assert.deepEqual(decide(), ["first", "last"]);
  decide();
  assert.deepEqual(decide(), ["first", "last"]);
  first[Symbol.dispose]();
  assert.deepEqual(decide(), ["last"]);
  fan.agent({} as never);
  assert.deepEqual(told, ["agent"]);
});

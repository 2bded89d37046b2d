import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { loadNative } from "../../native/index.ts";
import { capabilityId, formatIpv6, parseIpv6, seconds } from "../../src/base/index.ts";
import { CapabilityBook, deriveRoute, LabelBook, markOf } from "../../src/bgp/brownfield/index.ts";
import { defaultPolicy, NO_EXPORT } from "../../src/bgp/policy/index.ts";
import {
  AttributeCodec,
  type CapabilityNlri,
  type CapabilitySiteNlri,
  DEFAULT_DIALECT,
  encodeCapability,
  encodeUnicast,
  linkBandwidth,
  type UnicastNlri,
} from "../../src/bgp/wire/index.ts";
import { allListenRanges, allPeerOptions, domainNodes } from "../../src/daemon/bgp.ts";
import { Brownfield } from "../../src/daemon/brownfield.ts";
import { policyBook } from "../../src/daemon/policy.ts";
import { SelectionFan } from "../../src/daemon/selection-fan.ts";
import { parseConfiguration, type RouterConfiguration } from "../../src/management/index.ts";
import { type AttributeSet, brownfieldMark, createRib } from "../../src/rib/index.ts";
import { ALL_FILES, type Editable, edited } from "../management/documents.ts";
import { SeededRandom } from "../sim/seeded-random.ts";
import { ListLog, TallyMetrics } from "../sim/tally-metrics.ts";
import { VirtualClock } from "../sim/virtual-clock.ts";

const PARTS = { yang: loadNative().yang, files: ALL_FILES };
const BROWNFIELD = "semrd-brownfield:brownfield";

/** The second of the example's neighbours has brownfield, unless `edit` says otherwise. */
function configuration(edit: (bgp: Editable, router: Editable) => void = () => {}): Promise<RouterConfiguration> {
  const text = edited((router) => {
    const bgp = router["semrd-bgp:bgp"];
    bgp.neighbors.neighbor[1][BROWNFIELD] = {};
    edit(bgp, router);
  });
  return parseConfiguration(text, "/", PARTS);
}

/** What the speaker is asked for: `+` and `-` with the prefix. */
class Asked {
  readonly lines: string[] = [];
  readonly sets = new Map<string, AttributeSet>();
  natives = 0;

  originate(_nlri: CapabilityNlri, _set: AttributeSet): void {
    this.natives++;
  }
  withdraw(_nlri: CapabilityNlri): void {
    this.natives--;
  }
  originateUnicast({ address, length }: UnicastNlri, set: AttributeSet): void {
    const prefix = `${formatIpv6(address)}/${length}`;
    this.sets.set(prefix, set);
    this.lines.push(`+${prefix}`);
  }
  withdrawUnicast({ address, length }: UnicastNlri): void {
    const prefix = `${formatIpv6(address)}/${length}`;
    this.sets.delete(prefix);
    this.lines.push(`-${prefix}`);
  }
  /** Since the last time. */
  take(): string[] {
    return this.lines.splice(0);
  }
}

function started(of: RouterConfiguration) {
  const clock = new VirtualClock(Date.UTC(2026, 10, 20));
  const [log, metrics] = [new ListLog(), new TallyMetrics()];
  const address = of.site.locator;
  const local = { name: "local", kind: "local", bgpIdentifier: of.routerId, address, autonomousSystem: 65000 } as const;
  const rib = createRib(
    { local, tenants: of.tenants, maxRoutes: 1000 },
    { clock, random: new SeededRandom(1), metrics, log },
  );
  const selections = new SelectionFan();
  const brownfield = new Brownfield(of, { rib, selections, clock, random: new SeededRandom(1), log, metrics });
  const speaker = new Asked();
  return { clock, log, metrics, rib, selections, brownfield, speaker, origin: brownfield.origin(speaker) };
}

function site(of: RouterConfiguration, n = 0): readonly [CapabilityNlri, AttributeSet] {
  const { name, majorVersion } = of.taxonomy.capabilities[n]!;
  const tenant = of.tenants[0]!;
  const nlri = {
    type: "site",
    routeDistinguisher: tenant.routeDistinguisher,
    capabilityId: capabilityId(name, majorVersion),
    originId: of.routerId,
  } as const;
  const set: AttributeSet = {
    origin: "igp",
    asPath: [],
    nextHop: of.site.locator,
    localPref: 100,
    communities: [],
    extendedCommunities: [...tenant.exportTargets, linkBandwidth(65000, 5)],
    largeCommunities: [],
    semantic: {
      score: 10,
      lease: { sequence: 1n, validUntil: seconds(1_800_000_000), renew: seconds(1) },
      labels: [{ text: "eu", critical: false }],
      state: "up",
      opaque: [],
    },
    opaque: [],
  };
  return [nlri, set];
}

describe("brownfield in a router", () => {
  it("says each site's route twice more as unicast, and takes it back with it", async () => {
    const of = await configuration();
    const { origin, speaker, log } = started(of);
    const [nlri, set] = site(of);
    origin.originate(nlri, set);
    const [unique, anycast] = speaker.take();
    assert.match(unique!, new RegExp(`^\\+fd5e:3d00:1:1:.*:${of.site.selector}/128$`));
    assert.match(anycast!, /^\+fd5e:3d00:1:1:.*:0\/128$/);
    assert.equal(speaker.natives, 1);
    assert.deepEqual(log.events(), ["brownfield.label.not-said"], "eu has no bit");
    origin.originate(nlri, set);
    assert.deepEqual(log.events().length, 1, "said once");
    speaker.take();
    origin.withdraw(nlri);
    assert.deepEqual(
      speaker.take(),
      [unique, anycast].map((line) => `-${line!.slice(1)}`),
    );
    origin.withdraw(nlri);
    assert.deepEqual(speaker.take(), []);
    assert.equal(speaker.natives, 0, "each call was handed on");
  });

  it("says nothing where nobody has it, begins when somebody does, and stops again", async () => {
    const nobody = await configuration((bgp) => {
      delete bgp.neighbors.neighbor[1][BROWNFIELD];
    });
    const of = await configuration();
    const { origin, speaker, brownfield, clock } = started(nobody);
    origin.originate(...site(nobody));
    origin.originate(...site(nobody, 1));
    assert.deepEqual([speaker.take(), brownfield.status("fd00:ffff::3")], [[], undefined]);
    brownfield.know(of);
    clock.advance(10);
    assert.equal(speaker.take().length, 4);
    assert.equal(brownfield.status("fd00:ffff::3")!.learnt, 0);
    assert.equal(brownfield.status("fd00:ffff::1"), undefined);
    brownfield.know(of);
    clock.advance(10);
    assert.deepEqual(speaker.take(), [], "the same again");
    brownfield.know(nobody);
    clock.advance(10);
    assert.deepEqual(
      speaker.take().map((line) => line[0]),
      ["-", "-", "-", "-"],
    );
  });

  it("labels, the payload and the taxonomy may change", async () => {
    const of = await configuration();
    const { origin, speaker, brownfield, clock, log } = started(of);
    origin.originate(...site(of));
    speaker.take();
    const more = await configuration((bgp) => {
      bgp[BROWNFIELD] = { label: [{ name: "eu", bit: 3 }], "payload-attribute": 42 };
    });
    brownfield.know(more);
    clock.advance(10);
    const [said] = [...speaker.sets.values()];
    assert.equal(said!.opaque[0]!.code, 42);
    assert.equal(said!.largeCommunities.find(({ data1 }) => data1 === 0x53000006)!.data2, 8);
    assert.ok(log.events().includes("brownfield.payload-attribute"), "42 has another meaning");
    assert.match([...brownfield.warnings()].join(), /code 42: it is assigned/);
    speaker.take();
    brownfield.know({ ...more, taxonomy: { ...more.taxonomy, capabilities: [] } });
    clock.advance(10);
    assert.deepEqual(
      speaker.take().map((line) => line[0]),
      ["-", "-"],
    );
    assert.ok(log.events().includes("brownfield.route.not-said"));
  });

  it("as a gateway says the best site of other routers at the address of any site, and none where it has its own", async () => {
    const gateway = (on: boolean) => configuration((bgp) => Object.assign(bgp, { [BROWNFIELD]: { gateway: on } }));
    const of = await gateway(true);
    const { origin, speaker, brownfield, clock, rib, selections } = started(of);
    const [own, set] = site(of) as [CapabilitySiteNlri, AttributeSet];
    const codec = new AttributeCodec(DEFAULT_DIALECT);
    const capability = own.capabilityId;
    const changed = (): string[] => {
      selections.site(rib.capability.select(of.tenants[0]!.index, capability));
      clock.advance(10);
      return speaker.take();
    };
    const others = [7, 8].map((n) => {
      const nextHop = parseIpv6(`fd00:ffff::${n}`)!;
      const peer = {
        name: `r${n}`,
        kind: "internal",
        bgpIdentifier: n,
        address: nextHop,
        autonomousSystem: 65000,
      } as const;
      return { n, nextHop, index: rib.openPeer(peer), key: encodeCapability({ ...own, originId: n }) };
    });
    const one = (octets: Uint8Array) => ({
      octets,
      starts: Int32Array.of(0),
      lengths: Int32Array.of(octets.length),
      count: 1,
    });
    const announce = (which: number, score: number, mark: readonly Uint8Array[] = []): void => {
      const { nextHop, index, key } = others[which]!;
      const semantic = { ...set.semantic!, score };
      const theirs = {
        ...set,
        nextHop,
        semantic,
        originatorId: 5,
        clusterList: [6],
        extendedCommunities: [...set.extendedCommunities, ...mark],
      };
      const identity = codec.identity(theirs);
      rib.capability.announce(
        index,
        one(key),
        rib.attributes.intern(identity, 0, identity.length, codec.sourceOf(theirs)),
      );
    };
    announce(0, 5);
    const [anycast, ...more] = changed();
    assert.match(anycast!, /^\+fd5e:3d00:1:1:.*:0\/128$/);
    assert.deepEqual(more, []);
    const said = speaker.sets.get(anycast!.slice(1))!;
    const { domain, tenants, taxonomy } = of;
    const capabilities = new CapabilityBook(taxonomy.capabilities, taxonomy.familyCodes);
    const read = deriveRoute(
      parseIpv6(anycast!.slice(1, -4))!,
      said,
      { kind: "external", bgpIdentifier: 99 },
      { prefix: domain.prefix, tenants, capabilities, labels: new LabelBook([]) },
    );
    assert.ok(read.ok);
    assert.deepEqual(
      [read.originId, formatIpv6(read.set.nextHop), read.set.semantic!.score, read.anycast, read.mismatch, read.lost],
      [7, "fd00:ffff::7", 5, true, false, []],
    );
    assert.deepEqual([said.originatorId, said.clusterList], [undefined, undefined]);
    // It leaves as this router's own routes do.
    const border = allPeerOptions(of, policyBook(of)).find(({ address }) => address === "fd00:ffff::3")!.exportPolicy!;
    const neighbour = {
      address: "fd00:ffff::3",
      kind: "external",
      remoteAs: 65009,
      family: "ipv6-unicast",
      ownNextHop: set.nextHop,
    } as const;
    const judgement = border(said, neighbour);
    const unicast = encodeUnicast({ family: "ipv6-unicast", address: parseIpv6(anycast!.slice(1, -4))!, length: 128 });
    const verdict = judgement.verdict === "by-key" ? judgement.of(unicast, 0) : judgement;
    assert.ok(verdict.verdict === "replace" && verdict.attributes.communities.includes(NO_EXPORT));

    // A better one takes its place without a gap; what came by brownfield itself is not said again.
    announce(1, 9);
    assert.deepEqual(changed(), [anycast]);
    assert.equal(markOf(speaker.sets.get(anycast!.slice(1))!)!.originId, 8);
    announce(1, 9, [brownfieldMark(said)!]);
    assert.deepEqual(changed(), [`-${anycast!.slice(1)}`]);
    announce(1, 9);
    assert.deepEqual(changed(), [anycast]);

    // An own site comes before it, and leaves the place to it again.
    origin.originate(own, set);
    assert.deepEqual(speaker.take().sort(), [anycast, anycast!.replace(/0\/128$/, `${of.site.selector}/128`)].sort());
    const local = codec.identity(set);
    rib.capability.announce(
      0,
      one(encodeCapability(own)),
      rib.attributes.intern(local, 0, local.length, codec.sourceOf(set)),
    );
    assert.deepEqual(changed(), []);
    assert.equal(markOf(speaker.sets.get(anycast!.slice(1))!)!.originId, of.routerId);
    origin.withdraw(own);
    rib.capability.withdraw(0, one(encodeCapability(own)));
    assert.equal(speaker.take().length, 2);
    assert.deepEqual(changed(), [anycast]);

    // Switched off and on while it runs.
    brownfield.know(await gateway(false));
    clock.advance(10);
    assert.deepEqual(speaker.take(), [`-${anycast!.slice(1)}`]);
    brownfield.know(of);
    clock.advance(10);
    assert.deepEqual(speaker.take(), [anycast]);
    for (const { index, key } of others) rib.capability.withdraw(index, one(key));
    assert.deepEqual(changed(), [`-${anycast!.slice(1)}`]);
  });

  it("has a border around every IPv6 unicast session, which stays the same object while it says the same", async () => {
    const unicast = { family: [{ name: "capability" }, { name: "ipv6-unicast" }] };
    const edit = (bgp: Editable): void => {
      bgp.neighbors.neighbor[0].families = unicast;
    };
    const of = await configuration(edit);
    const policies = policyBook(of);
    const [plain, brown] = allPeerOptions(of, policies);
    const again = allPeerOptions(await configuration(edit), policies);
    assert.ok(plain!.importPolicy !== undefined && plain!.exportPolicy !== undefined);
    assert.deepEqual([plain!.longestUpdate, brown!.longestUpdate], [undefined, 3900]);
    assert.equal(again[0]!.importPolicy, plain!.importPolicy);
    assert.equal(again[1]!.exportPolicy, brown!.exportPolicy);
    assert.deepEqual(brown!.families, [{ family: "capability" }, { family: "ipv6-unicast", forwarded: true }]);
    const other = allPeerOptions(
      await configuration((bgp) => {
        edit(bgp);
        bgp.neighbors.neighbor[1][BROWNFIELD] = { "no-export": false };
      }),
      policies,
    );
    assert.notEqual(other[1]!.exportPolicy, brown!.exportPolicy);
    const none = allPeerOptions(
      await configuration((bgp) => {
        edit(bgp);
        delete bgp.neighbors.neighbor[1][BROWNFIELD];
      }),
      policies,
    );
    assert.deepEqual([none[0]!.importPolicy, none[1]!.exportPolicy], [undefined, undefined]);
    assert.equal(defaultPolicy({ acceptExternal: false }).looksAtPeer, false);
  });

  it("has the border around neighbours that come by themselves, too", async () => {
    const ranges = async (edit: (bgp: Editable) => void) => {
      const of = await configuration((bgp) => {
        bgp["peer-groups"] = { "peer-group": [{ name: "g", families: { family: [{ name: "ipv6-unicast" }] } }] };
        bgp["dynamic-neighbors"] = { range: [{ prefix: "2001:db8::/64", "peer-group": "g", "remote-as": [65000] }] };
        edit(bgp);
      });
      const policies = policyBook(of);
      return [allListenRanges(of, policies), allListenRanges(of, policies)].map(
        ([range]) => range!.template.exportPolicy,
      );
    };
    const [first, again] = await ranges(() => {});
    assert.ok(first !== undefined);
    assert.equal(again, first);
    const none = await ranges((bgp) => {
      delete bgp.neighbors.neighbor[1][BROWNFIELD];
    });
    assert.deepEqual(none, [undefined, undefined]);
  });

  it("does not take tunnels from a router that knows nothing of capabilities", async () => {
    const locators = domainNodes(await configuration()).map(({ locator }) => formatIpv6(locator));
    assert.ok(locators.includes("fd00:ffff::1"));
    assert.ok(!locators.includes(formatIpv6(parseIpv6("fd00:ffff::3")!)));
  });
});

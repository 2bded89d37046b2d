import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { parseIpv6, type Random, toHex } from "../../../src/base/index.ts";
import { atBorder, type ExportFacts, type RoutePolicy, type Verdict } from "../../../src/bgp/policy/index.ts";
import { messagesIn } from "../../../src/bgp/speaker/adj-rib-out.ts";
import { ExportGroup } from "../../../src/bgp/speaker/export-group.ts";
import { peerCounters } from "../../../src/bgp/speaker/metrics.ts";
import { Output } from "../../../src/bgp/speaker/output.ts";
import { TooLargeLog } from "../../../src/bgp/speaker/too-large.ts";
import type { Connection } from "../../../src/bgp/speaker/transport.ts";
import {
  AttributeCodec,
  DEFAULT_DIALECT,
  type NlriBatch,
  RouteType,
  UpdateDecoder,
  wireFamily,
} from "../../../src/bgp/wire/index.ts";
import { type AttributeSet, createRib, type SentPaths } from "../../../src/rib/index.ts";
import {
  ACME,
  agentKey,
  attributeSet,
  batch,
  EPOCH,
  instanceKey,
  prefixKey,
  ribPeer,
  siteKey,
} from "../../rib/world.ts";
import { SeededRandom } from "../../sim/seeded-random.ts";
import { ListLog, TallyMetrics } from "../../sim/tally-metrics.ts";
import { VirtualClock } from "../../sim/virtual-clock.ts";

/* What crosses the border of the AS when only keys of some types are asked about, against what a question about each key lets out. */

const codec = new AttributeCodec(DEFAULT_DIALECT);
const NEXT_HOP = parseIpv6("2001:db8::ff")!;
const CAPABILITIES = 4;
const KEYS: readonly Uint8Array[] = Array.from({ length: CAPABILITIES }, (_, i) => [
  siteKey(i, 2),
  siteKey(i, 3),
  instanceKey(i, 2, 1),
  instanceKey(i, 3, 2),
  agentKey(i, 2),
  prefixKey(`/c${i}`, 2),
]).flat();

/** By the second community of a set: what export policy says of it. */
const VERDICTS = ["accept", "accept", "accept", "reject", "by-key", "replace"] as const;
const ACCEPTED: Verdict = { verdict: "accept" };
const REJECTED: Verdict = { verdict: "reject", reason: "policy" };
const isOdd = (key: Uint8Array, start: number): boolean => (key[start + 13]! & 1) === 1;
const policy: RoutePolicy = (set) => {
  switch (VERDICTS[set.communities[1]! % VERDICTS.length]) {
    case "reject":
      return REJECTED;
    case "by-key":
      return { verdict: "by-key", of: (key, start) => (isOdd(key, start) ? REJECTED : ACCEPTED) };
    case "replace":
      return { verdict: "replace", attributes: { ...set, communities: [...set.communities, 1] } };
    default:
      return ACCEPTED;
  }
};

/** Capabilities that a prefix stands for, a bit each; `undefined`: nothing is asked of sites. */
type Suppressed = number | undefined;
const isSuppressedBy = (bits: number) => (key: Uint8Array, start: number) =>
  ((bits >>> new DataView(key.buffer, key.byteOffset).getUint32(start + 10)) & 1) === 1;
const suppressed = fc.option(fc.nat(2 ** CAPABILITIES - 1), { nil: undefined });

const keys = fc.uniqueArray(fc.nat(KEYS.length - 1), { minLength: 1, maxLength: 8 });
const peer = fc.nat(1);
const command = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({ type: fc.constant("announce" as const), peer, keys, verdict: fc.nat(VERDICTS.length - 1) }),
  },
  { weight: 5, arbitrary: fc.record({ type: fc.constant("withdraw" as const), peer, keys }) },
  { weight: 8, arbitrary: fc.record({ type: fc.constant("turn" as const) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("regroup" as const), suppressed }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("replay" as const) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("sweep" as const), peer }) },
);

function setOf(source: number, verdict: number): AttributeSet {
  return attributeSet({
    asPath: [{ type: "sequence", numbers: [64500 + source, 64600 + verdict] }],
    communities: [source, verdict],
  });
}

/** Who listens: knows what was said to it, and fails where an instance is among it. */
class Neighbour {
  readonly knows = new Set<string>();
  readonly connection: Connection;
  said = 0;
  readonly #decoder: UpdateDecoder;

  constructor(pathIds: boolean) {
    const families = ["capability"] as const;
    const agreed = { families, ...(pathIds ? { addPath: families } : {}) };
    this.#decoder = new UpdateDecoder(codec, { asWidth: 4, internal: false }, agreed);
    this.connection = { queued: 0, write: (octets: Uint8Array) => this.#read(octets) } as unknown as Connection;
  }

  #read(octets: Uint8Array): void {
    for (const message of messagesIn(octets)) {
      const outcome = this.#decoder.decode(message, 19, message.length);
      if (outcome.kind === "end-of-rib") continue;
      assert.equal(outcome.kind, "routes");
      for (const name of namesIn(this.#decoder.withdrawn)) assert.ok(this.knows.delete(name), `${name} was not known`);
      for (const name of namesIn(this.#decoder.announced)) {
        assert.notEqual(
          Number.parseInt(name.slice(0, 2), 16),
          RouteType.CapabilityInstance,
          "an instance left its site",
        );
        this.knows.add(name);
        this.said++;
      }
    }
  }
}

function namesIn({ octets, starts, lengths, count, pathIds }: NlriBatch): string[] {
  return Array.from({ length: count }, (_, i) =>
    nameOf(octets.subarray(starts[i]!, starts[i]! + lengths[i]!), pathIds?.[i] ?? 0),
  );
}

const nameOf = (key: Uint8Array, pathId: number): string => `${toHex(key)} ${pathId}`;

interface Setting {
  readonly paths: SentPaths;
  readonly suppressed: Suppressed;
  readonly commands: readonly (typeof command extends fc.Arbitrary<infer Step> ? Step : never)[];
}

/** Each table has the same secrets: to make a megabyte of them anew takes longer than all else. */
const noise = new Uint8Array(1 << 20);
new SeededRandom(1).fill(noise);
const random: Random = {
  next: () => 0.5,
  fill: (octets) => octets.set(noise.subarray(0, octets.length)),
};

/** What happened in all runs: a case that never came up has not been tried. */
const happened = { told: 0, instance: 0, suppressed: 0, policy: 0 };

function run({ paths, suppressed: first, commands }: Setting): void {
  const [clock, log, metrics] = [new VirtualClock(1000 * EPOCH), new ListLog(), new TallyMetrics()];
  const limits = { maxRoutes: 64, maxAttributeSets: 64 };
  const rib = createRib({ local: ribPeer(1, "local"), tenants: [ACME], ...limits }, { clock, random, metrics, log });
  const sources = [rib.openPeer(ribPeer(2)), rib.openPeer(ribPeer(3))];
  const to = rib.openPeer(ribPeer(9, "external"));
  const facts: ExportFacts = {
    ...{ kind: "external", localAs: 65000, ownNextHop: NEXT_HOP, nextHopSelf: false, clusterId: 1 },
    ...{ transparent: false, takesLongLived: true },
  };
  const context = { asWidth: 4, internal: false } as const;
  const family = "capability";
  const listener = { address: "::9", kind: "external", remoteAs: 64509, family, ownNextHop: NEXT_HOP } as const;
  const mode = { gracefulShutdown: false };
  const groupOf = (bits: Suppressed): ExportGroup => {
    const guard = atBorder(bits === undefined ? undefined : isSuppressedBy(bits));
    const agreed = { extendedNextHop: false, updateLimit: 4096 };
    return new ExportGroup(codec, rib.attributes, context, facts, policy, listener, agreed, () => mode, guard);
  };
  const pathIds = paths !== "best";
  const neighbour = new Neighbour(pathIds);
  const openOutput = () => rib.capability.openOutput(to, paths);
  const counters = peerCounters(metrics, listener.address);
  let bits = first;
  const output = new Output({
    ...{ clock, counters, openOutput, attributes: rib.attributes, messageLimit: 4096, random },
    output: openOutput(),
    addPath: { send: pathIds, receive: false },
    family: wireFamily(family, DEFAULT_DIALECT),
    sources: { mayPass: () => true, reflectedFrom: () => undefined },
    connection: neighbour.connection,
    group: groupOf(bits),
    tooLarge: new TooLargeLog(log, clock, { peer: listener.address, family, limit: 4096 }),
    refreshMark: undefined,
    mayEndRib: () => true,
    sent: () => {},
  });
  for (const step of commands) {
    if (step.type === "turn") clock.turn();
    else if (step.type === "replay") output.replay();
    else if (step.type === "regroup") {
      bits = step.suppressed;
      // Guards of both groups differ, as they never do within a session: so everything is told anew.
      output.regroup(groupOf(bits));
      output.replay();
    } else if (step.type === "sweep") rib.capability.sweep(sources[step.peer]!, 1000);
    else {
      const own = batch(...step.keys.map((key) => KEYS[key]!));
      if (step.type === "withdraw") rib.capability.withdraw(sources[step.peer]!, own);
      else {
        const identity = codec.identity(setOf(step.peer, step.verdict), family);
        const set = codec.decodeIdentity(identity, 0, identity.length);
        const source = codec.sourceOf(set);
        const id = rib.attributes.intern(identity, 0, identity.length, source, family);
        rib.capability.announce(sources[step.peer]!, own, id);
      }
    }
  }
  clock.settle();
  const wanted = new Set<string>();
  // Each key is asked about, whatever its type is.
  const all = openOutput();
  all.walk(
    (id, _source, key, start, length, pathId) => {
      const set = rib.attributes.get(id);
      const own = new Uint8Array(key.subarray(start, start + length));
      const isInstance = own[0] === RouteType.CapabilityInstance;
      const isSuppressed = own[0] === RouteType.CapabilitySite && bits !== undefined && isSuppressedBy(bits)(own, 0);
      const judgement = policy(set, listener);
      const { verdict } = judgement.verdict === "by-key" ? judgement.of(own, 0) : judgement;
      if (isInstance) happened.instance++;
      else if (isSuppressed) happened.suppressed++;
      else if (verdict === "reject") happened.policy++;
      else wanted.add(nameOf(own, pathId));
    },
    1,
    1000,
  );
  assert.deepEqual([...neighbour.knows].sort(), [...wanted].sort());
  happened.told += neighbour.said;
  all[Symbol.dispose]();
  output[Symbol.dispose]();
  rib[Symbol.dispose]();
}

describe("the border of the AS", () => {
  it("keys of guarded types alone are asked about, and what passes is what passes when each is (DESIGN section 4.1)", () => {
    fc.assert(
      fc.property(
        fc.record({
          paths: fc.constantFrom<SentPaths>("best", "best", "all"),
          suppressed,
          commands: fc.array(command, { minLength: 5, maxLength: 40 }),
        }),
        run,
      ),
      { numRuns: 3000 },
    );
    for (const [what, times] of Object.entries(happened)) assert.ok(times > 1000, `${what}: ${times}`);
  });

  it("a guard has a reason for keys of its types only, whatever their first octet is", () => {
    for (const isSuppressed of [undefined, () => true, () => false]) {
      const guard = atBorder(isSuppressed);
      for (let type = 0; type < 256; type++) {
        const key = siteKey(1, 2);
        key[0] = type;
        const isAsked = ((guard.types >>> (type & 31)) & 1) === 1;
        if (guard.reason(key, 0) !== undefined) assert.ok(isAsked, `${type}`);
      }
      assert.equal((guard.types >>> RouteType.CapabilityInstance) & 1, 1);
    }
  });
});

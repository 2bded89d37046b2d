import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, renameSync, statSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { type BpfMap, loadNative, type Native, type RecordMember } from "../../../native/index.ts";
import {
  type DataplaneOptions,
  type KernelDataplane,
  type PortOptions,
  removePins,
  startKernelDataplane,
} from "../../../src/dataplane/index.ts";
import { preparePins } from "../../../src/dataplane/kernel/pins.ts";
import { Succession } from "../../../src/dataplane/kernel/succession.ts";
import { tableSizes } from "../../../src/dataplane/sizes.ts";
import type { Operation } from "../../../src/forwarding/index.ts";
import { address } from "../memory/frames.ts";
import { SILENT, OPTIONS as STORY } from "../memory/story.ts";
import { becomeFormer, compileFormer } from "./former-layout.ts";
import { isolated, OBJECT_PATH } from "./isolated.ts";
import { HOSTS, PLAN, whyNoHosts } from "./veth-hosts.ts";

const PORTS = (["client", "agent"] as const).map((role): PortOptions => {
  return { interface: `${role}0`, role, tenantIndex: 1, hook: "tc" };
});
const OPTIONS: DataplaneOptions = { ...STORY, ports: PORTS };
const TUNNEL = 9;
const native = loadNative();
const needs = { native, log: SILENT, objectPath: OBJECT_PATH };
const start = (options: DataplaneOptions = OPTIONS, bpf: Partial<Native["bpf"]> = {}): Promise<KernelDataplane> =>
  startKernelDataplane(options, {
    ...needs,
    native: { ...native, bpf: Object.assign(Object.create(native.bpf) as Native["bpf"], bpf) },
  });
const tunnel = (index: number): Operation => {
  const nextHop = { kind: "tunnel", locator: address("2001:db8:f::99") } as const;
  return { type: "set-next-hop", index, nextHop, state: "up" };
};

/** A key, and a value, of which each octet that means something is that number. */
const key = ({ info, layout }: BpfMap, octet: number) => filled(info.keySize, layout!.key, octet);
const value = ({ info, layout }: BpfMap, octet: number) => filled(info.valueSize, layout!.value, octet);

function filled(octets: number, members: readonly RecordMember[], octet: number): Uint8Array {
  const record = new Uint8Array(octets);
  for (const { offset, size } of members) record.fill(octet, offset, offset + size);
  return record;
}

/** Where the pass notes until when heartbeats vouch for a next hop. */
function silentAfter(map: BpfMap, index: number): DataView {
  const { offset } = map.layout!.value.find(({ name }) => name.endsWith("silent_after"))!;
  const { buffer, byteOffset } = map.mmap();
  const size = (map.info.valueSize + 7) & ~7;
  return new DataView(buffer, byteOffset + index * size + offset, 4);
}

function define(): void {
  before(() => compileFormer());

  test("what the former pass hears and remembers while tables are filled is not lost, be it new or another; nor what still older ones do", async () => {
    const first = await start();
    first.apply([...PLAN, tunnel(TUNNEL)], 7);
    await first[Symbol.asyncDispose]();
    await becomeFormer(OPTIONS, { flows: 4096 });
    const [name] = readdirSync(OPTIONS.pinDirectory).filter((name) => name.startsWith("v"));
    const former = join(OPTIONS.pinDirectory, name!);
    // A process was killed while it replaced that one by another version: on some ports that is still what forwards
    const older = `${former.slice(0, -1)}1`;
    using before = await native.bpf.load(OBJECT_PATH, { maxEntries: { flows: 2048 } });
    mkdirSync(older);
    const flowsBefore = before.maps.get("flows")!;
    flowsBefore.pin(join(older, "flows"));
    flowsBefore.update(key(flowsBefore, 4), value(flowsBefore, 4));
    flowsBefore.update(key(flowsBefore, 1), value(flowsBefore, 99));
    do {
      renameSync(former, `${former}-`);
      renameSync(`${former}-`, former);
    } while (statSync(former).ctimeMs <= statSync(older).ctimeMs);

    using flows = native.bpf.openMap(join(former, "flows"));
    using nextHops = native.bpf.openMap(join(former, "next_hops"));
    const heard = silentAfter(nextHops, TUNNEL);
    heard.setUint32(0, 1000, true);
    for (const at of [1, 2]) flows.update(key(flows, at), value(flows, at));
    const sizes = tableSizes(OPTIONS.maxCapabilities);
    const folders = preparePins(native.bpf, OPTIONS, sizes);
    assert.deepEqual([folders.former, folders.older], [former, [older]]);
    const [object, succession] = await Succession.load(OPTIONS, needs, folders, sizes);
    const own = object.maps.get("flows")!;
    const [{ offset }] = own.layout!.value as [RecordMember];
    const remembered = (at: number) => own.lookup(key(own, at))?.[offset];
    const judged = silentAfter(object.maps.get("next_hops")!, TUNNEL);
    assert.deepEqual([1, 2, 3, 4].map(remembered), [1, 2, undefined, undefined]);
    assert.equal(judged.getUint32(0, true), 1000);
    // Meanwhile a connection is another one, one begins, and another router is heard
    flows.update(key(flows, 2), value(flows, 20));
    flows.update(key(flows, 3), value(flows, 3));
    heard.setUint32(0, 2000, true);
    await succession.replace(async () => {
      assert.deepEqual([1, 2, 3, 4].map(remembered), [1, 20, 3, 4]);
      assert.equal(judged.getUint32(0, true), 2000);
      // The programs on some ports know better than those that are still to be replaced
      own.update(key(own, 1), value(own, 11));
      judged.setUint32(0, 3000, true);
      flows.update(key(flows, 1), value(flows, 12));
      flows.update(key(flows, 5), value(flows, 5));
      flowsBefore.update(key(flowsBefore, 6), value(flowsBefore, 6));
    });
    assert.deepEqual([1, 2, 3, 4, 5, 6].map(remembered), [11, 20, 3, 4, 5, 6]);
    assert.equal(judged.getUint32(0, true), 3000);
    assert.deepEqual([existsSync(former), existsSync(older)], [false, false]);
    object[Symbol.dispose]();
    removePins(native, OPTIONS.pinDirectory);
  });

  test("programs of before that could not be replaced when the plan was whole are replaced when it is tried again", async () => {
    const first = await start({ ...OPTIONS, maxCapabilities: 100_000 });
    first.apply([...PLAN, tunnel(5000)], 7);
    await first[Symbol.asyncDispose]();
    const [former] = readdirSync(OPTIONS.pinDirectory).filter((name) => name.startsWith("v"));
    let fails = false;
    const second = native.sock.interfaceIndex("agent0")!;
    const next = await start(OPTIONS, {
      openLink: (path) => {
        if (fails && path.endsWith(`-${second}`))
          throw Object.assign(new Error("bpf_obj_get: EMFILE"), { code: "EMFILE" });
        return native.bpf.openLink(path);
      },
    });
    next.apply(PLAN, 9);
    fails = true;
    await assert.rejects(async () => next.converged!(), /EMFILE/);
    assert.ok(readdirSync(OPTIONS.pinDirectory).includes(former!));
    assert.match(next.limits.join(), /client0: the program of before forwards.*it was tried, but .*EMFILE/);
    fails = false;
    await next.converged!();
    assert.deepEqual(
      next.ports.map(({ hook, adopted }) => [hook, adopted]),
      PORTS.map(() => ["tcx", true]),
    );
    assert.ok(!readdirSync(OPTIONS.pinDirectory).includes(former!));
    await next.remove();
    assert.ok(!existsSync(OPTIONS.pinDirectory));
  });
}

await isolated(import.meta.filename, HOSTS, define, whyNoHosts);

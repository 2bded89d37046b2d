import assert from "node:assert/strict";
import { it } from "node:test";
import { interfacesProvider } from "../../src/daemon/live/interfaces.ts";
import { tunnelsProvider } from "../../src/daemon/live/tunnels.ts";
import type { DataplaneOptions } from "../../src/dataplane/index.ts";
import type { RouterChange, RouterConfiguration } from "../../src/management/index.ts";

const INTERFACES = [
  { name: "eth0", role: "core", tenantIndex: 0, hook: "auto", permittedSources: [], tenantSources: [] },
] as const;
const configuration = (clampMss: boolean) =>
  ({ interfaces: INTERFACES, dataplane: { clampMss } }) as unknown as RouterConfiguration;
const tagged = (acceptTags: boolean) => {
  const interfaces = INTERFACES.map((port) => ({ ...port, acceptTags }));
  return { interfaces, dataplane: { clampMss: false } } as unknown as RouterConfiguration;
};
const change = (before: boolean, after: boolean) =>
  ({ before: configuration(before), after: configuration(after) }) as unknown as RouterChange;

it("vlan-tags changes the ports while the router runs, and is refused where the data plane cannot", async () => {
  const seen: DataplaneOptions["ports"][] = [];
  const changePorts = async (ports: DataplaneOptions["ports"]) => void seen.push(ports);
  const wanted = { before: tagged(false), after: tagged(true) } as unknown as RouterChange;
  const able = { name: "kernel", cannot: new Map(), changePorts };
  const provider = interfacesProvider({ driver: able as never, networksChanged: () => undefined });
  assert.deepEqual(await provider.plan(wanted), { ok: true, value: [] });
  const prepared = await provider.prepare(wanted);
  assert.ok(prepared.ok && prepared.value !== undefined);
  await prepared.value.apply();
  assert.deepEqual(
    seen.map(([port]) => port?.acceptTags),
    [true],
  );
  const unable = { ...able, name: "ovs", cannot: new Map([["vlan-tags", "not its frames"]]) };
  const refusal = await interfacesProvider({ driver: unable as never, networksChanged: () => undefined }).plan(wanted);
  assert.match(JSON.stringify(refusal), /vlan-tags-not-possible.*takes no VLAN tags off: not its frames/);
});

it("clamp-mss changes the ports while the router runs, and goes back with them", async () => {
  const seen: DataplaneOptions["ports"][] = [];
  const driver = { changePorts: async (ports: DataplaneOptions["ports"]) => void seen.push(ports) };
  const provider = interfacesProvider({ driver: driver as never, networksChanged: () => undefined });
  const nothing = await provider.prepare(change(false, false));
  assert.deepEqual(nothing, { ok: true, value: undefined });
  const prepared = await provider.prepare(change(false, true));
  assert.ok(prepared.ok && prepared.value !== undefined);
  await prepared.value.apply();
  await prepared.value.revert();
  const port = { interface: "eth0", tenantIndex: 0, role: "core", hook: "auto" };
  assert.deepEqual(seen, [[{ ...port, clampMss: true }], [port]]);
});

it("tunnels in an encapsulation, and clamping, that the data plane cannot do are refused where they are", () => {
  const tunnel = (encapsulation: string, last: number) => ({
    ...{ encapsulation, locator: Uint8Array.of(0xfd, ...new Array<number>(14).fill(0), last), segments: [] },
  });
  const before = { dataplane: { tunnels: [], clampMss: false } };
  const after = { dataplane: { tunnels: [tunnel("vxlan", 1), tunnel("ipv6", 2)], clampMss: true } };
  const wanted = { before, after } as unknown as RouterChange;
  const provider = (cannot: ReadonlyMap<string, string>) =>
    tunnelsProvider({ driver: { name: "linux", cannot } as never, compiler: {} as never });
  assert.deepEqual(provider(new Map()).plan(wanted), { ok: true, value: [] });
  const lacks = new Map([
    ["vxlan", "no VXLAN here"],
    ["mss-clamp", "no options here"],
  ]);
  const said = JSON.stringify(provider(lacks).plan(wanted));
  assert.match(said, /tunnel\[locator='fd00::1'\].*the linux data plane cannot carry it out: no VXLAN here/);
  assert.match(said, /tunnels\/clamp-mss.*no options here/);
  assert.ok(!said.includes("fd00::2"), "IPv6-in-IPv6 it can");
  assert.deepEqual(provider(lacks).plan({ before: after, after } as unknown as RouterChange), { ok: true, value: [] });
});

import type { Operation } from "../../../src/forwarding/index.ts";
import { address, CAPABILITY, INSTANCE_PORTS, LOCATOR, type RouterPart, SERVICE_PORT, slots } from "./part.ts";

/** Next hops: of ingresses the tunnels, of egresses this router, the other site, the instances. */
export const HOP = { e1: 1, e2: 2, local: 3, other: 4, first: 5, second: 6 } as const;

/** A router that clients come to. */
export function ingress(name: "i1" | "i2"): RouterPart {
  const locators = [LOCATOR.e1, LOCATOR.e2] as const;
  return {
    locator: LOCATOR[name],
    pinDirectory: `/mnt/${name}`,
    ports: [
      { interface: "client", role: "client", tenantIndex: 1, hook: "auto" },
      { interface: "core", role: "core", tenantIndex: 0, hook: "auto" },
      ...(name === "i2" ? [{ interface: "e1", role: "core", tenantIndex: 0, hook: "auto" } as const] : []),
    ],
    operations: [
      ...locators.map(
        (locator, i): Operation => ({
          ...{ type: "set-next-hop", index: i + 1, state: "up" },
          nextHop: { kind: "tunnel", locator: address(locator) },
        }),
      ),
      ...Object.values(LOCATOR).map((locator): Operation => ({ type: "set-node", locator: address(locator) })),
      { type: "set-slots", group: 1, slots: slots([HOP.e1, HOP.e2]), backup: HOP.e2 },
      { type: "set-capability", entry: { address: address(CAPABILITY), group: 1, localGroup: 0 } },
    ],
    bfd: locators,
    connects: true,
    waitsForBfd: locators,
    heartbeats: locators,
  };
}

/** A router with two instances behind it. */
export function egress(name: "e1" | "e2"): RouterPart {
  const [agent, other] = name === "e1" ? (["a1", "e2"] as const) : (["a2", "e1"] as const);
  const instances = [HOP.first, HOP.second].map(
    (index, i): Operation => ({
      ...{ type: "set-next-hop", index, state: "up" },
      nextHop: {
        ...{ kind: "instance", instance: `${agent}-${i}`, address: address(`2001:db8:a:${agent[1]}::2`) },
        ...{ port: INSTANCE_PORTS[i]!, protocol: "udp", servicePort: SERVICE_PORT },
      },
    }),
  );
  return {
    locator: LOCATOR[name],
    pinDirectory: `/mnt/${name}`,
    ports: [
      { interface: "core", role: "core", tenantIndex: 0, hook: "auto" },
      { interface: agent, role: "agent", tenantIndex: 1, hook: "auto" },
      ...(name === "e1" ? [{ interface: "i2", role: "core", tenantIndex: 0, hook: "auto" } as const] : []),
    ],
    operations: [
      { type: "set-next-hop", index: HOP.local, nextHop: { kind: "local" }, state: "up" },
      {
        ...{ type: "set-next-hop", index: HOP.other, state: "up" },
        nextHop: { kind: "tunnel", locator: address(LOCATOR[other]) },
      },
      ...instances,
      ...Object.values(LOCATOR).map((locator): Operation => ({ type: "set-node", locator: address(locator) })),
      { type: "set-slots", group: 1, slots: slots([HOP.local, HOP.other]), backup: HOP.other },
      { type: "set-slots", group: 2, slots: slots([HOP.first, HOP.second]), backup: HOP.second },
      { type: "set-capability", entry: { address: address(CAPABILITY), group: 1, localGroup: 2 } },
    ],
    bfd: [LOCATOR.i1, LOCATOR.i2],
    connects: false,
    waitsForBfd: [],
    heartbeats: Object.values(LOCATOR).filter((locator) => locator !== LOCATOR[name]),
  };
}

import { existsSync, readFileSync } from "node:fs";
import type { Ipv6Address } from "../../base/index.ts";
import { VXLAN_PORT } from "../abi.ts";
import type { PortOptions, PortReport } from "../driver.ts";
import { DataplaneError } from "../error.ts";
import { arrangeBridge, type BridgeOptions, bridgePorts, hairPinPortName, tunnelPortName } from "./database/bridge.ts";
import type { OvsOptions } from "./driver.ts";
import { HAIR_PIN_PORT } from "./fixed-flows.ts";
import type { SwitchFacts } from "./next-hop-flows.ts";
import type { SwitchPort } from "./port-flows.ts";
import { connectDatabase } from "./probe.ts";

/** The bridge's own Ethernet address: locally administered, from the locator. */
export const macOf = (locator: Ipv6Address): Uint8Array => Uint8Array.of(0x02, 0x5e, ...locator.subarray(12));

/** Whether the host's stack takes IPv6 packets off the interface besides the switch, and answers or forwards them. */
function stackHears(name: string): boolean {
  const file = `/proc/sys/net/ipv6/conf/${name}/disable_ipv6`;
  return existsSync(file) && readFileSync(file, "latin1").trim() === "0";
}

/** The router's ports as Open vSwitch has them. */
export class SwitchPorts {
  readonly #ovs: OvsOptions;
  readonly #locator: Ipv6Address;
  #options: readonly PortOptions[] = [];
  /** Those that it has opened, by their numbers. */
  known: ReadonlyMap<number, SwitchPort> = new Map();
  reports: readonly PortReport[] = [];

  constructor(ovs: OvsOptions, locator: Ipv6Address) {
    this.#ovs = ovs;
    this.#locator = locator;
  }

  /**
   * Makes the bridge with these ports and takes note of them.
   * @returns the numbers of the tunnels' ports
   * @throws {DataplaneError} `dataplane.no-switch`, `dataplane.foreign-bridge`
   */
  async arrange(ports: readonly PortOptions[]): Promise<Pick<SwitchFacts, "tunnelPort" | "hairPinPort">> {
    const { bridge: name, datapathType, database: path } = this.#ovs;
    const names = ports.map((port) => port.interface);
    const [tunnel, hairPin] = [tunnelPortName(name), hairPinPortName(name)];
    const wanted: BridgeOptions = {
      ...{ name, datapathType, mac: macOf(this.#locator), ports: names },
      tunnels: { [tunnel]: VXLAN_PORT, [hairPin]: HAIR_PIN_PORT },
    };
    using database = await connectDatabase(path);
    await arrangeBridge(database, wanted);
    const found = await bridgePorts(database, [...names, tunnel, hairPin]);
    this.#options = ports;
    this.#takeNote(found);
    const numberOf = (port: string): number => {
      const { number, error = "it does not say why" } = found.get(port) ?? {};
      if (number !== undefined) return number;
      const message = `Open vSwitch does not open the tunnel port ${port}: ${error}`;
      throw new DataplaneError({ code: "dataplane.no-switch", path }, message);
    };
    return { tunnelPort: numberOf(tunnel), hairPinPort: numberOf(hairPin) };
  }

  /** Interfaces come and go. True when something is other than it was. */
  async lookAgain(): Promise<boolean> {
    using database = await connectDatabase(this.#ovs.database);
    const before = JSON.stringify(this.reports);
    const names = this.#options.map((port) => port.interface);
    this.#takeNote(await bridgePorts(database, names));
    return JSON.stringify(this.reports) !== before;
  }

  #takeNote(found: Awaited<ReturnType<typeof bridgePorts>>): void {
    const known = new Map<number, SwitchPort>();
    this.reports = this.#options.map(({ interface: name, role, tenantIndex, sources }): PortReport => {
      const { number, mac, error } = found.get(name) ?? {};
      const report = { interface: name, role, tenantIndex, ifindex: 0, adopted: false };
      if (number === undefined || mac === undefined)
        return { ...report, hook: "none", reason: error ?? "Open vSwitch has not opened it yet" };
      known.set(number, { number, mac, role, tenantIndex, ...(sources === undefined ? {} : { sources }) });
      const reason = stackHears(name)
        ? `the stack hears it too: sysctl -w net.ipv6.conf.${name}.disable_ipv6=1`
        : undefined;
      return { ...report, ifindex: number, hook: "ovs", ...(reason === undefined ? {} : { reason }) };
    });
    this.known = known;
  }
}

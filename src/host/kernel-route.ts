import { execFile } from "node:child_process";
import { formatIpv6, type Ipv6Address, parseIpv6 } from "../base/index.ts";

/** The kernel's way to an address. */
export interface KernelRoute {
  readonly interface: string;
  /** Largest IPv6 packet that the way takes, in octets. */
  readonly mtu: number;
  /** Absent: the address is on the link. */
  readonly gateway?: Ipv6Address;
}

const PATIENCE_MS = 5_000;

/**
 * Asks iproute2 for the way to an address in this network namespace, without sending anything; `undefined` when there is none.
 * @throws when `ip` cannot be run, or says something that is no answer
 */
export async function kernelRoute(destination: Ipv6Address): Promise<KernelRoute | undefined> {
  const found = await ip(["-6", "route", "get", formatIpv6(destination)]);
  const route = found?.[0];
  if (route === undefined || typeof route.dev !== "string" || route.type === "unreachable") return undefined;
  const gateway = typeof route.gateway === "string" ? parseIpv6(route.gateway) : undefined;
  const locked = (route.metrics as readonly { readonly mtu?: number }[] | undefined)?.[0]?.mtu;
  const link = locked === undefined ? (await ip(["link", "show", "dev", route.dev]))?.[0] : undefined;
  const mtu = locked ?? link?.mtu;
  if (typeof mtu !== "number") throw new Error(`ip knows no MTU of ${route.dev}`);
  return { interface: route.dev, mtu, ...(gateway === undefined ? {} : { gateway }) };
}

type Rows = readonly Readonly<Record<string, unknown>>[];

/** What `ip` prints as JSON; `undefined` when it refuses, as for an address without a route. */
function ip(words: readonly string[]): Promise<Rows | undefined> {
  return new Promise((resolve, reject) => {
    const options = { timeout: PATIENCE_MS, maxBuffer: 1 << 20, encoding: "utf8" } as const;
    execFile("ip", ["-json", ...words], options, (failure, output) => {
      if (failure === null) resolve(JSON.parse(output) as Rows);
      else if (failure.code === 2 || failure.code === 1) resolve(undefined);
      else
        reject(
          new Error(`ip ${words.join(" ")} cannot be run (${failure.code ?? failure.signal}): is iproute2 installed?`),
        );
    });
  });
}

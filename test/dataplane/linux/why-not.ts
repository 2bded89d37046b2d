import { spawnSync } from "node:child_process";

/** Why the kernel's routes cannot be tested here, `undefined` when they can. */
export function whyNoRoutes(): string | undefined {
  if (process.getuid?.() !== 0) return "network namespaces need root";
  const route = "ip -6 nexthop add id 1 dev lo encap seg6 mode encap.red segs 2001:db8::1";
  const { status, stderr } = spawnSync("unshare", ["--net", "sh", "-ec", `ip link set lo up; ${route}`], {
    encoding: "utf8",
  });
  return status === 0
    ? undefined
    : `this kernel or iproute2 has no routes into tunnels (${stderr.trim().split("\n")[0]})`;
}

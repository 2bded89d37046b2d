import { execFileSync, spawnSync } from "node:child_process";
import { test } from "node:test";
import { whyNoPass } from "./bench.ts";

const MARK = "SEMR_PASS_NAMESPACE";

/** Interfaces of the namespace in which the tests of the pass run. */
export const WORLD = {
  /** Port that packets arrive at: the loopback, whose hardware address is zero. */
  arrival: 1,
  /** A veth; everything in 2001:db8:a::/48 and 2001:db8:b::/48 is behind it, with a known neighbour. */
  towards: "st-dp-out",
} as const;

const SETUP = `
  sysctl -qw net.ipv6.conf.all.forwarding=1 net.ipv6.conf.lo.forwarding=1
  ip link set lo up
  ip link add ${WORLD.towards} type veth peer name st-dp-peer
  sysctl -qw net.ipv6.conf.${WORLD.towards}.accept_dad=0
  ip link set st-dp-peer up
  ip link set ${WORLD.towards} address 02:00:00:00:0a:01 mtu 3000 up
  ip -6 address add fe80::1/64 dev ${WORLD.towards} nodad
  ip -6 neighbour add fe80::2 lladdr 02:00:00:00:0a:02 dev ${WORLD.towards}
  ip -6 route add 2001:db8:a::/48 via fe80::2 dev ${WORLD.towards}
  ip -6 route add 2001:db8:b::/48 via fe80::2 dev ${WORLD.towards}
  ip -6 route add 2001:db8:a:5::/64 via fe80::2 dev ${WORLD.towards} mtu lock 1400
`;

/**
 * Runs the tests that `define` makes in a process of its own inside a fresh namespace, so that routes and forwarding are
 * what the tests say and not what the machine has. Outside it there is one test, which runs the file and shows its output.
 */
export function insideNamespace(file: string, define: () => void): void {
  if (process.env[MARK] !== undefined) {
    define();
    return;
  }
  test("in a namespace of its own", (t) => {
    const reason = process.getuid?.() !== 0 ? "network namespaces need root" : whyNoPass();
    if (reason !== undefined) {
      t.skip(`skipped: ${reason}`);
      return;
    }
    const name = `st-dp-${process.pid}`;
    execFileSync("ip", ["netns", "add", name]);
    try {
      execFileSync("nsenter", [`--net=/run/netns/${name}`, "sh", "-ec", SETUP]);
      const { NODE_TEST_CONTEXT: _, ...env } = process.env;
      const run = spawnSync("nsenter", [`--net=/run/netns/${name}`, process.execPath, "--test-reporter=spec", file], {
        encoding: "utf8",
        env: { ...env, [MARK]: name },
        timeout: 240_000,
      });
      for (const line of run.stdout.trimEnd().split("\n")) t.diagnostic(line);
      if (run.status !== 0) throw new Error(`inside the namespace:\n${run.stdout}\n${run.stderr}`);
    } finally {
      execFileSync("ip", ["netns", "del", name]);
    }
  });
}

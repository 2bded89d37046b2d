import { execFileSync, spawnSync } from "node:child_process";
import { join } from "node:path";
import type { TestContext } from "node:test";

let made = 0;

/** Why namespaces cannot be made here, `undefined` when they can. */
export function whyNoNamespaces(): string | undefined {
  if (process.getuid?.() !== 0) return "network namespaces need root";
  const tried = spawnSync("unshare", ["--net", "true"]);
  return tried.status === 0 ? undefined : `network namespaces cannot be made: ${tried.error ?? tried.stderr}`;
}

/** A network namespace with its loopback up; gone when the test ends. Returns its name. */
export function makeNamespace(t: TestContext): string {
  const name = `st-native-${process.pid}-${made++}`;
  execFileSync("ip", ["netns", "add", name]);
  t.after(() => execFileSync("ip", ["netns", "del", name]));
  execFileSync("ip", ["-n", name, "link", "set", "lo", "up"]);
  return name;
}

/** A pair of connected interfaces in a namespace, both up, with IPv6 link-local addresses without waiting for them. */
export function makeVeth(namespace: string, one: string, other: string): void {
  const ip = (...words: string[]) => execFileSync("ip", ["-n", namespace, ...words]);
  ip("link", "add", one, "type", "veth", "peer", "name", other);
  for (const name of [one, other]) {
    execFileSync("ip", ["netns", "exec", namespace, "sysctl", "-qw", `net.ipv6.conf.${name}.accept_dad=0`]);
    ip("link", "set", name, "up");
  }
}

/**
 * Runs `body` in a process of its own inside a namespace. It is handed over as text: besides its arguments it sees
 * `assert` (strict) only. A failure inside fails here, with its output.
 */
export function runInside(
  namespace: string,
  body: (inside: typeof import("./inside.ts"), ...given: string[]) => Promise<void>,
  ...given: readonly string[]
): void {
  const script = `
    import assert from "node:assert/strict";
    import * as inside from ${JSON.stringify(join(import.meta.dirname, "inside.ts"))};
    await (${body.toString()})(inside, ...${JSON.stringify(given)});
  `;
  const node = [process.execPath, "--input-type=module-typescript", "--eval", script];
  // A peer that must say something every few milliseconds, or is taken for dead, comes before whatever else runs on the machine.
  const first = ["-n", "-19", "nsenter", `--net=/run/netns/${namespace}`, ...node];
  const child = spawnSync("nice", first, { timeout: 60_000, encoding: "utf8" });
  if (child.status !== 0) throw new Error(`in ${namespace}: ${child.error ?? child.stderr}`);
}

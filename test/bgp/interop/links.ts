/** Namespaces with cables and nothing but link-local addresses on them: semrd in the middle, others at the far ends. */
import { execFile } from "node:child_process";
import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { promisify } from "node:util";
import { ask, type Daemon, daemon, PORT } from "./lab.ts";

const run = promisify(execFile);

let links = 0;

export interface Far {
  readonly namespace: string;
  /** Its name at our end. */
  readonly interface: string;
}

/** Our namespace, and one at the end of each of these cables: ours is fe80::1 on each, the other one fe80::2, on `wire`. */
export async function linkLocalStar(t: TestContext, names: readonly string[]): Promise<{ ours: string; far: Far[] }> {
  const number = `${process.pid}x${++links}`;
  const ours = `st-ll-o${number}`;
  const far = names.map((name) => ({ namespace: `st-ll-${name}${number}`, interface: name }));
  for (const name of [ours, ...far.map(({ namespace }) => namespace)]) {
    await run("ip", ["netns", "add", name]);
    t.after(() => run("ip", ["netns", "del", name]));
    await run("ip", ["-n", name, "link", "set", "lo", "up"]);
  }
  for (const { namespace, interface: here } of far) {
    await run("ip", ["-n", ours, "link", "add", here, "type", "veth", "peer", "name", "wire", "netns", namespace]);
    for (const [where, name, address] of [
      [ours, here, "fe80::1/64"],
      [namespace, "wire", "fe80::2/64"],
    ] as const) {
      await run("ip", ["-n", where, "link", "set", name, "addrgenmode", "none"]);
      await run("ip", ["-n", where, "link", "set", name, "up"]);
      await run("ip", ["-n", where, "address", "add", address, "dev", name, "nodad"]);
    }
  }
  return { ours, far };
}

export interface Frr {
  show(...commands: string[]): Promise<string>;
}

/** bgpd with zebra, which is how bgpd knows interfaces. `bgp`: lines of its configuration. */
export async function frrWithInterfaces(
  t: TestContext,
  namespace: string,
  where: string,
  bgp: readonly string[],
): Promise<Frr> {
  // They give up their rights and become the user frr.
  await chmod(where, 0o777);
  const at = (name: string): string => join(where, name);
  await writeFile(at("zebra.conf"), "hostname them\n");
  await writeFile(at("bgpd.conf"), `${bgp.join("\n")}\n`);
  const common = (name: string): string[] => [
    ...["-f", at(`${name}.conf`), "-z", at("zserv.api"), "--vty_socket", where, "-i", at(`${name}.pid`), "-P", "0"],
  ];
  const frr = (name: string, ...more: string[]): Daemon =>
    daemon(t, namespace, [`/usr/lib/frr/${name}`, ...common(name), ...more]);
  frr("zebra");
  frr("bgpd", "-p", String(PORT));
  const show = (...commands: string[]): Promise<string> =>
    ask(namespace, "vtysh", "--vty_socket", where, ...commands.flatMap((command) => ["-c", command]));
  return { show };
}

import { accessSync, constants } from "node:fs";
import { messageOf } from "../../base/index.ts";
import { DataplaneError } from "../error.ts";
import { trialCommands } from "./commands.ts";
import { carryOut } from "./kernel.ts";

const FOLDER = "/proc/sys/net/ipv6";
/** What the driver sets: flows are told apart by their ports as well, and keep their label in a tunnel. */
export const SETTINGS: readonly (readonly [file: string, value: string])[] = [
  [`${FOLDER}/fib_multipath_hash_policy`, "1"],
  [`${FOLDER}/seg6_flowlabel`, "1"],
];

/**
 * Looks whether this process and this kernel can have routes into tunnels: makes a next hop and removes it again.
 * @throws {DataplaneError} `dataplane.no-rights`, `dataplane.unsupported-kernel`
 */
export async function probeLinux(): Promise<void> {
  await orWhyNot(async () => {
    for (const [file] of SETTINGS) accessSync(file, constants.W_OK);
    await carryOut(trialCommands());
  });
}

/** Does something of the driver's, or says what this host lacks for it. @throws {DataplaneError} as {@link probeLinux} */
export async function orWhyNot(attempt: () => Promise<void>): Promise<void> {
  try {
    await attempt();
  } catch (cause) {
    const reason = messageOf(cause);
    const lacksRights = /permitted|permission denied|EACCES|EPERM|EROFS/i.test(reason);
    throw new DataplaneError(
      { code: lacksRights ? "dataplane.no-rights" : "dataplane.unsupported-kernel" },
      lacksRights
        ? `the kernel's routes may not be changed (${reason}): run semrd as root, or with CAP_NET_ADMIN`
        : /^spawn ip ENOENT/.test(reason)
          ? "the program ip is missing: install iproute2"
          : `this kernel has no routes into tunnels (${reason}): Linux 6.2 or newer with CONFIG_IPV6_SEG6_LWTUNNEL, and iproute2, are needed`,
      { cause },
    );
  }
}

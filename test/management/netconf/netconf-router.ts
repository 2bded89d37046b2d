import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { sshKeyPair } from "../../../src/management/index.ts";
import { RouterFolder, type RouterProcess } from "../../daemon/router-process.ts";
import { cheapHash } from "../cheap-password.ts";
import { ADMINS } from "../nacm/admins.ts";
import { type Login, type Manner, RawClient } from "./raw-client.ts";

export const PASSWORD = "not so secret in a test";
/** Loopback addresses are many: each process takes one of its own, and the usual ports. */
export const ADDRESS = `127.${64 + ((process.pid >> 16) & 63)}.${(process.pid >> 8) & 255}.${process.pid & 255}`;

export interface NetconfRouter extends AsyncDisposable {
  readonly process: RouterProcess;
  readonly folder: string;
  readonly login: Login;
  /** Of the user, in the format of OpenSSH; there is a file of it at `keyFile`. */
  readonly keyFile: string;
  open(manner?: Manner): Promise<RawClient>;
}

/**
 * semrd as a process of its own with NETCONF and the memory data plane. `netconf` is merged into its configuration; `through` stands
 * before its command; `passwordHash` is of {@link PASSWORD}, where its cost is the question.
 */
export async function startNetconfRouter(
  netconf: Readonly<Record<string, unknown>> = {},
  changes: Readonly<Record<string, unknown>> = {},
  through: readonly string[] = [],
  passwordHash = cheapHash(PASSWORD),
): Promise<NetconfRouter> {
  const folder = await mkdtemp(path.join(tmpdir(), "semrd-netconf-"));
  try {
    const routers = new RouterFolder(folder);
    const key = sshKeyPair("ed25519");
    const keyFile = await routers.written("key", key.private);
    await chmod(keyFile, 0o600);
    const { ssh, ...rest } = netconf as { readonly ssh?: object };
    const configuration = routers.configuration(
      "r1",
      {
        management: {
          "control-socket": path.join(folder, "r1.sock"),
          "semrd-access:users": {
            user: [{ name: "admin", "authorized-key": [key.public], "password-hash": passwordHash }],
          },
          "semrd-netconf:netconf": { ...rest, ssh: { listen: [{ address: ADDRESS, port: 830 }], ...ssh } },
        },
        ...changes,
      },
      ADMINS,
    );
    const child = await routers.started("r1", configuration, through);
    const login: Login = { host: ADDRESS, port: 830, username: "admin", privateKey: key.private };
    return {
      ...{ process: child, folder, login, keyFile },
      open: (manner) => RawClient.open(login, manner),
      async [Symbol.asyncDispose]() {
        await child[Symbol.asyncDispose]();
        await rm(folder, { recursive: true, force: true });
      },
    };
  } catch (cause) {
    await rm(folder, { recursive: true, force: true });
    throw cause;
  }
}

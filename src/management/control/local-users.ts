import { readFile } from "node:fs/promises";
import type { Socket } from "node:net";
import { loadNative } from "../../../native/index.ts";

/** Somebody of this host, as the kernel says who has connected. */
export interface LocalUser {
  readonly name: string;
  /** Those of the host's groups that have this member. */
  readonly groups: readonly string[];
  /** Root, or whoever runs the router: both can change its files anyway. */
  readonly isRecovery: boolean;
}

/** Answers who a connection of the control socket is of. */
export type LocalUserOf = (socket: Socket) => Promise<LocalUser>;

const found = new WeakMap<Socket, Promise<LocalUser>>();

/** Asked once for each connection. @throws {Error} where the connection is closed already */
export const localUserOf: LocalUserOf = (socket) => {
  let user = found.get(socket);
  if (user === undefined) {
    user = look(socket);
    found.set(socket, user);
  }
  return user;
};

async function look(socket: Socket): Promise<LocalUser> {
  const { user, group } = loadNative().sock.peerProcess(descriptorOf(socket));
  const isRecovery = user === 0 || user === process.geteuid?.();
  const [passwd, groups] = await Promise.all([records("/etc/passwd"), records("/etc/group")]);
  const name = passwd.find(([, , id]) => id === String(user))?.[0] ?? `uid-${user}`;
  const own = passwd.find(([, , id]) => id === String(user))?.[3] ?? String(group);
  const isMember = ([, , id, members = ""]: readonly string[]): boolean =>
    id === own || id === String(group) || members.split(",").includes(name);
  return { name, groups: groups.filter(isMember).map(([called]) => called!), isRecovery };
}

/** Node knows who is at the other end only by the handle of the connection. */
function descriptorOf(socket: Socket): number {
  const { _handle: handle } = socket as Socket & { readonly _handle?: { readonly fd?: number } | null };
  if (typeof handle?.fd === "number" && handle.fd >= 0) return handle.fd;
  throw new Error("the connection is closed");
}

/** Lines of fields with colons between them. @see passwd(5), group(5) */
async function records(file: string): Promise<readonly (readonly string[])[]> {
  const text = await readFile(file, "utf8").catch(() => "");
  return text.split("\n").map((line) => line.split(":"));
}

import type { CommitExtension, Extension, HistoryRequest, MasterArbitration } from "./messages.ts";
import { GnmiError } from "./status.ts";

type Name = NonNullable<Extension["ext"]>;

/** An extension that is not understood changes what a request means, so it is not passed over. @throws {GnmiError} */
export function refuseOthers(extensions: readonly Extension[], known: readonly Name[]): void {
  for (const { ext } of extensions) {
    if (ext === undefined) throw new GnmiError("UNIMPLEMENTED", "an extension that this server does not know");
    if (!known.includes(ext)) {
      const here = known.length === 0 ? "none" : known.join(", ");
      throw new GnmiError("UNIMPLEMENTED", `the extension ${ext} is not supported here; there are: ${here}`);
    }
  }
}

function one<E extends Extension>(extensions: readonly Extension[], name: Name): E | undefined {
  const found = extensions.filter(({ ext }) => ext === name);
  if (found.length > 1) throw new GnmiError("INVALID_ARGUMENT", `the extension ${name} is there ${found.length} times`);
  return found[0] as E | undefined;
}

/** Levels; absent for all. */
export function depthOf(extensions: readonly Extension[]): number | undefined {
  const level = one<Extract<Extension, { ext: "depth" }>>(extensions, "depth")?.depth.level ?? 0;
  return level === 0 ? undefined : level;
}

export const commitOf = (extensions: readonly Extension[]): CommitExtension | undefined =>
  one<Extract<Extension, { ext: "commit" }>>(extensions, "commit")?.commit;

export const historyOf = (extensions: readonly Extension[]): HistoryRequest | undefined =>
  one<Extract<Extension, { ext: "history" }>>(extensions, "history")?.history;

/** Roles that are remembered. */
const MOST_ROLES = 1_024;

/**
 * Who writes, of several controllers: for each role, whoever has shown the highest election identifier.
 * @see gNMI master arbitration §3
 */
export class Arbiter {
  readonly #highest = new Map<string, bigint>();

  /** @throws {GnmiError} PERMISSION_DENIED for all but the master, INVALID_ARGUMENT without an identifier */
  admit(extensions: readonly Extension[]): void {
    const found = one<Extract<Extension, { ext: "master_arbitration" }>>(extensions, "master_arbitration");
    if (found === undefined) return;
    const { role, election_id: id }: MasterArbitration = found.master_arbitration;
    if (id === null) throw new GnmiError("INVALID_ARGUMENT", "master_arbitration needs an election_id");
    const name = role?.id ?? "";
    const election = (BigInt(id.high) << 64n) | BigInt(id.low);
    const highest = this.#highest.get(name);
    if (highest !== undefined && election < highest) {
      throw new GnmiError("PERMISSION_DENIED", `another master has election_id ${highest}, which is above ${election}`);
    }
    if (highest === undefined && this.#highest.size >= MOST_ROLES) {
      throw new GnmiError("RESOURCE_EXHAUSTED", `${MOST_ROLES} roles have masters; use one of theirs`);
    }
    this.#highest.set(name, election);
  }
}

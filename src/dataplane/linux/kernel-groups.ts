import { type Command, groupId, removeNextHop, setGroup } from "./commands.ts";

type Members = Parameters<typeof setGroup>[1];

/** The next-hop groups that the kernel has, each for as long as routes lead to it. */
export class KernelGroups {
  /** By id: the command that made it as it is, and how many routes lead there. */
  readonly #groups = new Map<number, { command: Command; users: number }>();

  /** Those that the kernel should have. */
  ids(): Iterable<number> {
    return this.#groups.keys();
  }

  /** The kernel is believed to have none. */
  clear(): void {
    this.#groups.clear();
  }

  /**
   * The kernel's group for a pair of the plan's, made or changed by a command if it has to be.
   * @returns its id; 0: it would be empty, so there is none
   */
  want(group: number, localGroup: number, members: Members, commands: Command[]): number {
    if (members.size === 0) return 0;
    const id = groupId(group, localGroup);
    const command = setGroup(id, members);
    const present = this.#groups.get(id);
    if (present?.command === command) return id;
    if (present === undefined) this.#groups.set(id, { command, users: 0 });
    else present.command = command;
    commands.push(command);
    return id;
  }

  /** A route leads to each of these from now on. */
  use(ids: readonly number[]): void {
    for (const id of ids) {
      const present = this.#groups.get(id);
      if (present !== undefined) present.users++;
    }
  }

  /** One leads there no more: a group without any goes, by the commands that are returned. */
  leave(ids: readonly number[]): Command[] {
    const commands: Command[] = [];
    for (const id of ids) {
      const present = this.#groups.get(id);
      if (present === undefined || --present.users > 0) continue;
      this.#groups.delete(id);
      commands.push(removeNextHop(id));
    }
    return commands;
  }
}

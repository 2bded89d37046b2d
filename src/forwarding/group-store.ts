import type { GroupContent } from "./group-content.ts";
import { GROUP_SLOTS, type GroupIndex } from "./plan.ts";

/** Words of a group: half a line of the processor's cache. */
const STRIDE_BITS = 3;
const PAGE_BITS = 8;
const IN_PAGE = (1 << PAGE_BITS) - 1;

const VERSION = 0;
const USERS = 1;
const FIRST_USER = 2;
const LAST_USER = 3;
const BACKUP = 4;
const HASH = 5;
const FLAGS = 6;
/** Of FLAGS: its former owners differ from its owners; it is found by its content. */
const MOVES = 1;
const FOUND = 2;

/**
 * What groups are, by index, without an object for any of them: there may be as many as there are indexes.
 *
 *     | version, 0: there is no such group | users | first, last of them | backup | hash of the content | flags |
 */
export class GroupStore {
  readonly #words: Int32Array[] = [];
  /** Owners, GROUP_SLOTS of each. */
  readonly #owners: Uint16Array[] = [];
  /** Former owners of those groups in which some differ. */
  readonly #former = new Map<GroupIndex, Uint16Array>();

  has(index: GroupIndex): boolean {
    return this.#word(index, VERSION) !== 0;
  }

  /** Makes a group that nobody uses, or gives one another content, of which the octets are copied. */
  put(index: GroupIndex, version: number, { current, previous, backup }: GroupContent): void {
    const page = index >> PAGE_BITS;
    this.#words[page] ??= new Int32Array(1 << (PAGE_BITS + STRIDE_BITS));
    this.#owners[page] ??= new Uint16Array(GROUP_SLOTS << PAGE_BITS);
    this.#set(index, VERSION, version);
    this.#set(index, BACKUP, backup);
    const owners = this.#owners[page];
    const first = (index & IN_PAGE) * GROUP_SLOTS;
    let moves = false;
    for (let slot = 0; slot < GROUP_SLOTS; slot++) {
      const owner = current[slot]!;
      owners[first + slot] = owner;
      if (previous[slot] !== owner) moves = true;
    }
    if (moves) this.#former.set(index, previous.slice());
    else if (this.#has(index, MOVES)) this.#former.delete(index);
    this.#flag(index, MOVES, moves);
  }

  /** Its number is used again some day. */
  remove(index: GroupIndex): void {
    const start = (index & IN_PAGE) << STRIDE_BITS;
    this.#words[index >> PAGE_BITS]!.fill(0, start, start + (1 << STRIDE_BITS));
    this.#former.delete(index);
  }

  /** A copy. */
  content(index: GroupIndex): GroupContent {
    const first = (index & IN_PAGE) * GROUP_SLOTS;
    const current = this.#owners[index >> PAGE_BITS]!.slice(first, first + GROUP_SLOTS);
    const previous = this.#has(index, MOVES) ? this.#former.get(index)!.slice() : current;
    return { current, previous, backup: this.#word(index, BACKUP) };
  }

  /** It has this content. */
  holds(index: GroupIndex, { current, previous, backup }: GroupContent): boolean {
    if (this.#word(index, BACKUP) !== backup) return false;
    const owners = this.#owners[index >> PAGE_BITS]!;
    const first = (index & IN_PAGE) * GROUP_SLOTS;
    const former = this.#has(index, MOVES) ? this.#former.get(index)! : undefined;
    for (let slot = 0; slot < GROUP_SLOTS; slot++) {
      if (owners[first + slot] !== current[slot]) return false;
      if ((former === undefined ? current : former)[slot] !== previous[slot]) return false;
    }
    return true;
  }

  /** Of the content: no two that there ever were have the same one. 0: there is no such group. */
  version(index: GroupIndex): number {
    return this.#word(index, VERSION);
  }

  /** How many sides of entries use it. */
  users(index: GroupIndex): number {
    return this.#word(index, USERS);
  }

  setUsers(index: GroupIndex, users: number): void {
    this.#set(index, USERS, users);
  }

  /** The list of them; 0: it is empty. */
  firstUser(index: GroupIndex): number {
    return this.#word(index, FIRST_USER);
  }

  setFirstUser(index: GroupIndex, user: number): void {
    this.#set(index, FIRST_USER, user);
  }

  lastUser(index: GroupIndex): number {
    return this.#word(index, LAST_USER);
  }

  setLastUser(index: GroupIndex, user: number): void {
    this.#set(index, LAST_USER, user);
  }

  /** By which it is found; `undefined`: another one with this content is, or will be. */
  hash(index: GroupIndex): number | undefined {
    return this.#has(index, FOUND) ? this.#word(index, HASH) : undefined;
  }

  setHash(index: GroupIndex, hash: number | undefined): void {
    this.#set(index, HASH, hash ?? 0);
    this.#flag(index, FOUND, hash !== undefined);
  }

  #has(index: GroupIndex, flag: number): boolean {
    return (this.#word(index, FLAGS) & flag) !== 0;
  }

  #flag(index: GroupIndex, flag: number, value: boolean): void {
    const others = this.#word(index, FLAGS) & ~flag;
    this.#set(index, FLAGS, value ? others | flag : others);
  }

  #word(index: GroupIndex, word: number): number {
    const page = this.#words[index >> PAGE_BITS];
    return page === undefined ? 0 : page[((index & IN_PAGE) << STRIDE_BITS) + word]!;
  }

  #set(index: GroupIndex, word: number, value: number): void {
    this.#words[index >> PAGE_BITS]![((index & IN_PAGE) << STRIDE_BITS) + word] = value;
  }
}

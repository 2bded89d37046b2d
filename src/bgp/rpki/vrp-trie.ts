import type { RpkiState } from "../policy/index.ts";

const USUAL_NODES = 1024;
const NONE = 0;

/*
 * A node is two children, the first of its entries, and its parent; an entry is
 *
 *     | AS | maximum length | bits of those who say so, 0 in a free one | next entry of the node | its node |
 *
 * both in words; number 0 of each means "none". The root is node 1.
 */
const NODE_WORDS = 4;
const ENTRIES = 2;
const PARENT = 3;
const ENTRY_WORDS = 5;
const AS = 0;
const MAX_LENGTH = 1;
const SAYERS = 2;
const NEXT = 3;
const NODE = 4;
const ROOT = 1;

/**
 * VRPs of one address family in a binary trie of typed arrays. Each VRP has a bit for everyone who says it; one that nobody says any
 * more leaves nothing behind.
 */
export class VrpTrie {
  #nodes = new Int32Array(USUAL_NODES * NODE_WORDS);
  #nodeTop = ROOT + 1;
  #freeNode = NONE;
  #entries = new Int32Array(USUAL_NODES * ENTRY_WORDS);
  #entryTop = 1;
  #freeEntry = NONE;
  #size = 0;

  /** Distinct VRPs, whoever says them. */
  get size(): number {
    return this.#size;
  }

  /** Octets of memory. */
  get octets(): number {
    return this.#nodes.byteLength + this.#entries.byteLength;
  }

  /** False: it was said already by the same one. */
  add(address: Uint8Array, length: number, maxLength: number, autonomousSystem: number, sayer: number): boolean {
    let node = ROOT;
    for (let bit = 0; bit < length; bit++) {
      const branch = node * NODE_WORDS + bitAt(address, 0, bit);
      let child = this.#nodes[branch]!;
      if (child === NONE) {
        child = this.#newNode(node);
        this.#nodes[branch] = child;
      }
      node = child;
    }
    const found = this.#find(node, maxLength, autonomousSystem);
    if (found !== NONE) {
      const had = (this.#entries[found + SAYERS]! & sayer) !== 0;
      this.#entries[found + SAYERS]! |= sayer;
      return !had;
    }
    const entry = this.#newEntry() * ENTRY_WORDS;
    this.#entries[entry + AS] = autonomousSystem;
    this.#entries[entry + MAX_LENGTH] = maxLength;
    this.#entries[entry + SAYERS] = sayer;
    this.#entries[entry + NODE] = node;
    this.#entries[entry + NEXT] = this.#nodes[node * NODE_WORDS + ENTRIES]!;
    this.#nodes[node * NODE_WORDS + ENTRIES] = entry / ENTRY_WORDS;
    this.#size++;
    return true;
  }

  /** False: this one did not say it. */
  remove(address: Uint8Array, length: number, maxLength: number, autonomousSystem: number, sayer: number): boolean {
    let node = ROOT;
    for (let bit = 0; bit < length; bit++) {
      node = this.#nodes[node * NODE_WORDS + bitAt(address, 0, bit)]!;
      if (node === NONE) return false;
    }
    const entry = this.#find(node, maxLength, autonomousSystem);
    if (entry === NONE || (this.#entries[entry + SAYERS]! & sayer) === 0) return false;
    this.#unsay(entry, sayer);
    return true;
  }

  #unsay(entry: number, sayer: number): void {
    this.#entries[entry + SAYERS]! &= ~sayer;
    if (this.#entries[entry + SAYERS] !== 0) return;
    const node = this.#entries[entry + NODE]!;
    this.#unlink(node, entry);
    this.#prune(node);
  }

  /** Numbers of entries are below it, from 1. They stay with a VRP for as long as somebody says it. */
  get entryTop(): number {
    return this.#entryTop;
  }

  /** Who says entry `id`; 0: nobody, it is free. */
  sayersOf(id: number): number {
    return this.#entries[id * ENTRY_WORDS + SAYERS]!;
  }

  /** This one does not say the entry any more. */
  dropEntry(id: number, sayer: number): void {
    if ((this.sayersOf(id) & sayer) !== 0) this.#unsay(id * ENTRY_WORDS, sayer);
  }

  /** The VRP of an entry that is not free. @param octets of an address */
  vrpOf(id: number, octets: 4 | 16): TrieVrp {
    const entry = id * ENTRY_WORDS;
    const bits: number[] = [];
    for (let node = this.#entries[entry + NODE]!; node !== ROOT; ) {
      const parent = this.#nodes[node * NODE_WORDS + PARENT]!;
      bits.push(this.#nodes[parent * NODE_WORDS] === node ? 0 : 1);
      node = parent;
    }
    const address = new Uint8Array(octets);
    for (const [i, bit] of bits.reverse().entries()) address[i >> 3]! |= bit << (7 - (i & 7));
    return {
      address,
      length: bits.length,
      maxLength: this.#entries[entry + MAX_LENGTH]!,
      autonomousSystem: this.#entries[entry + AS]! >>> 0,
      sayers: this.#entries[entry + SAYERS]!,
    };
  }

  /** RFC 6811 §2, by the VRPs that one of `sayers` says. `| length u8, bits | address octets |` begins at `start`. Allocates nothing. */
  validity(octets: Uint8Array, start: number, origin: number | undefined, sayers: number): RpkiState {
    const length = octets[start]!;
    const nodes = this.#nodes;
    const entries = this.#entries;
    let isCovered = false;
    let node = ROOT;
    for (let bit = 0; ; bit++) {
      for (let id = nodes[node * NODE_WORDS + ENTRIES]!; id !== NONE; id = entries[id * ENTRY_WORDS + NEXT]!) {
        const entry = id * ENTRY_WORDS;
        if ((entries[entry + SAYERS]! & sayers) === 0) continue;
        isCovered = true;
        const autonomousSystem = entries[entry + AS]! >>> 0;
        // AS 0 says that nobody may originate the prefix. @see RFC 6483 §4; RFC 7607
        if (autonomousSystem === origin && autonomousSystem !== 0 && length <= entries[entry + MAX_LENGTH]!)
          return "valid";
      }
      if (bit === length) break;
      node = nodes[node * NODE_WORDS + bitAt(octets, start + 1, bit)]!;
      if (node === NONE) break;
    }
    return isCovered ? "invalid" : "not-found";
  }

  /** Every VRP with the bits of who says it, in no order. May be read over many turns: changes meanwhile may be missed. */
  *all(octets: 4 | 16): IterableIterator<TrieVrp> {
    for (let id = 1; id < this.#entryTop; id++) if (this.sayersOf(id) !== 0) yield this.vrpOf(id, octets);
  }

  #find(node: number, maxLength: number, autonomousSystem: number): number {
    for (let id = this.#nodes[node * NODE_WORDS + ENTRIES]!; id !== NONE; ) {
      const entry = id * ENTRY_WORDS;
      const same = this.#entries[entry + AS]! >>> 0 === autonomousSystem;
      if (same && this.#entries[entry + MAX_LENGTH] === maxLength) return entry;
      id = this.#entries[entry + NEXT]!;
    }
    return NONE;
  }

  #unlink(node: number, entry: number): void {
    const wanted = entry / ENTRY_WORDS;
    const following = this.#entries[entry + NEXT]!;
    const head = node * NODE_WORDS + ENTRIES;
    if (this.#nodes[head] === wanted) this.#nodes[head] = following;
    else {
      let before = this.#nodes[head]! * ENTRY_WORDS;
      while (this.#entries[before + NEXT] !== wanted) before = this.#entries[before + NEXT]! * ENTRY_WORDS;
      this.#entries[before + NEXT] = following;
    }
    this.#entries[entry + NEXT] = this.#freeEntry;
    this.#freeEntry = wanted;
    this.#size--;
  }

  /** Frees nodes without entries and children, from this one upwards. */
  #prune(from: number): void {
    const nodes = this.#nodes;
    for (let node = from; node !== ROOT; ) {
      const at = node * NODE_WORDS;
      if (nodes[at] !== NONE || nodes[at + 1] !== NONE || nodes[at + ENTRIES] !== NONE) return;
      const parent = nodes[at + PARENT]!;
      const branch = parent * NODE_WORDS;
      nodes[nodes[branch] === node ? branch : branch + 1] = NONE;
      nodes[at + PARENT] = this.#freeNode;
      this.#freeNode = node;
      node = parent;
    }
  }

  #newNode(parent: number): number {
    let node = this.#freeNode;
    if (node !== NONE) this.#freeNode = this.#nodes[node * NODE_WORDS + PARENT]!;
    else {
      if ((this.#nodeTop + 1) * NODE_WORDS > this.#nodes.length) this.#nodes = doubled(this.#nodes);
      node = this.#nodeTop++;
    }
    this.#nodes[node * NODE_WORDS + PARENT] = parent;
    return node;
  }

  #newEntry(): number {
    if (this.#freeEntry !== NONE) {
      const entry = this.#freeEntry;
      this.#freeEntry = this.#entries[entry * ENTRY_WORDS + NEXT]!;
      return entry;
    }
    if ((this.#entryTop + 1) * ENTRY_WORDS > this.#entries.length) this.#entries = doubled(this.#entries);
    return this.#entryTop++;
  }
}

export interface TrieVrp {
  readonly address: Uint8Array;
  readonly length: number;
  readonly maxLength: number;
  readonly autonomousSystem: number;
  readonly sayers: number;
}

function bitAt(octets: Uint8Array, start: number, bit: number): number {
  return (octets[start + (bit >> 3)]! >> (7 - (bit & 7))) & 1;
}

function doubled(words: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const more = new Int32Array(2 * words.length);
  more.set(words);
  return more;
}

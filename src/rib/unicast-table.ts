import { losingStep, type PathFacts } from "./net-decision.ts";
import { ATTRIBUTES, KEY, NET_SHIFT, PATH_NEXT, PATH_SHIFT, SINCE, TAG } from "./net-store.ts";
import { NetTable, type NetTableParts } from "./net-table.ts";
import type { NetId, UnicastFamily, UnicastRow, UnicastView } from "./types.ts";

const ADDRESS_OCTETS: Readonly<Record<UnicastFamily, number>> = { "ipv4-unicast": 4, "ipv6-unicast": 16 };

/** One path where it is stored. */
interface PathPlace {
  readonly records: Int32Array;
  readonly at: number;
  /** 0: the net's record. */
  readonly path: number;
  readonly facts: PathFacts;
}

/** A unicast family: prefixes and their paths, decided by RFC 4271 §9.1.2.2 and nothing else. */
export class UnicastTable extends NetTable implements UnicastView {
  readonly #addressOctets: number;

  constructor(family: UnicastFamily, parts: NetTableParts) {
    super(parts);
    this.#addressOctets = ADDRESS_OCTETS[family];
  }

  *rowsOf({ peer }: { readonly peer?: number }): IterableIterator<UnicastRow> {
    for (let net = 1; net < this.store.netTop; net++) {
      for (const row of this.#rows(net)) if (peer === undefined || row.peer === peer) yield row;
    }
  }

  /** All rows of a net are made before the first is handed out: the reader may take its time. */
  #rows(net: NetId): readonly UnicastRow[] {
    const { nets, paths, further, keyOctets } = this.store;
    const record = net << NET_SHIFT;
    if (nets[record + KEY] === 0 || nets[record + ATTRIBUTES] === 0) return [];
    const start = this.store.keyStart(net);
    const address = new Uint8Array(this.#addressOctets);
    address.set(keyOctets.subarray(start + 1, start + this.store.keyLength(net)));
    const places = [this.#place(nets, record, 0)];
    for (let path = further[net]!; path !== 0; path = paths[(path << PATH_SHIFT) + PATH_NEXT]!) {
      places.push(this.#place(paths, path << PATH_SHIFT, path));
    }
    const all = places.map(({ facts }) => facts);
    const best = all[0]!;
    return places.map(({ records, at, path, facts }) => {
      const tag = records[at + TAG]!;
      return {
        address,
        length: keyOctets[start]!,
        nextHop: facts.set.nextHop,
        attributes: facts.set,
        peer: tag & 0xffff,
        pathId: this.marks.receivedId(net, path, tag & 0xffff),
        since: ((records[at + SINCE]! >>> 0) * 1000) as UnicastRow["since"],
        stale: facts.stale,
        best: facts === best,
        step: facts === best ? undefined : (losingStep(best, facts, all)?.step.name ?? "path-number"),
      };
    });
  }

  #place(records: Int32Array, at: number, path: number): PathPlace {
    return { records, at, path, facts: this.chooser.facts(records[at + ATTRIBUTES]!, records[at + TAG]!) };
  }
}

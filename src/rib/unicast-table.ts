import { losingStep, type PathFacts } from "./net-decision.ts";
import { NetTable, type NetTableParts } from "./net-table.ts";
import { KEY, recordOf, SET } from "./path-record.ts";
import type { NetId, UnicastFamily } from "./types.ts";
import type { UnicastRow, UnicastView } from "./views.ts";

const ADDRESS_OCTETS: Readonly<Record<UnicastFamily, number>> = { "ipv4-unicast": 4, "ipv6-unicast": 16 };

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
    const { store } = this;
    const { nets, keyOctets } = store;
    if (nets[recordOf(net) + KEY] === 0 || nets[recordOf(net) + SET] === 0) return [];
    const start = store.keyStart(net);
    const address = new Uint8Array(this.#addressOctets);
    address.set(keyOctets.subarray(start + 1, start + store.keyLength(net)));
    const places: number[] = [];
    let next = 0;
    do {
      places.push(next);
      next = store.placeAfter(net, next);
    } while (next !== 0);
    const all = places.map(
      (place): PathFacts => this.chooser.facts(store.attributesAt(net, place), store.tagAt(net, place)),
    );
    const best = all[0]!;
    return places.map((place, i) => {
      const facts = all[i]!;
      const peer = store.peerAt(net, place);
      return {
        address,
        length: keyOctets[start]!,
        nextHop: facts.set.nextHop,
        attributes: facts.set,
        peer,
        pathId: this.marks.receivedId(net, place, peer),
        since: store.sinceAt(net, place),
        learntAt: store.learntAt(net, place),
        stale: facts.stale,
        best: facts === best,
        step: facts === best ? undefined : (losingStep(best, facts, all)?.step.name ?? "path-number"),
      };
    });
  }
}

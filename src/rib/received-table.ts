import { NetTable } from "./net-table.ts";
import { KEY, recordOf, SET } from "./path-record.ts";
import type { PathVisitor, ReceivedView } from "./route-table.ts";
import type { PeerIndex } from "./types.ts";

/** Routes of a family as neighbours said them, before import policy. Nothing is chosen by it, and nobody is told of it. */
export class ReceivedTable extends NetTable implements ReceivedView {
  walkPaths(peer: PeerIndex, visit: PathVisitor, from: number, limit: number): number {
    const { store } = this;
    const { nets, keyOctets } = store;
    const end = Math.min(store.netTop, from + limit);
    for (let net = from; net < end; net++) {
      const record = recordOf(net);
      if (nets[record + KEY] === 0 || nets[record + SET] === 0) continue;
      const [start, length] = [store.keyStart(net), store.keyLength(net)];
      let place = 0;
      do {
        if (store.peerAt(net, place) === peer) {
          const pathId = this.marks.receivedId(net, place, peer);
          const learntAt = store.learntAt(net, place);
          visit(store.attributesAt(net, place), keyOctets, start, length, pathId, learntAt);
        }
        place = store.placeAfter(net, place);
      } while (place !== 0);
    }
    return end === store.netTop ? 0 : end;
  }
}

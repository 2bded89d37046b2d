import { ATTRIBUTES, KEY, NET_SHIFT, PATH_NEXT, PATH_SHIFT, SINCE, TAG } from "./net-store.ts";
import { NetTable } from "./net-table.ts";
import type { PathVisitor, PeerIndex, ReceivedView } from "./types.ts";

/** Routes of a family as neighbours said them, before import policy. Nothing is chosen by it, and nobody is told of it. */
export class ReceivedTable extends NetTable implements ReceivedView {
  walkPaths(peer: PeerIndex, visit: PathVisitor, from: number, limit: number): number {
    const { nets, paths, further, keyOctets } = this.store;
    const end = Math.min(this.store.netTop, from + limit);
    for (let net = from; net < end; net++) {
      const record = net << NET_SHIFT;
      if (nets[record + KEY] === 0 || nets[record + ATTRIBUTES] === 0) continue;
      const [start, length] = [this.store.keyStart(net), this.store.keyLength(net)];
      const show = (records: Int32Array, at: number, place: number): void => {
        if ((records[at + TAG]! & 0xffff) !== peer) return;
        const pathId = this.marks.receivedId(net, place, peer);
        visit(records[at + ATTRIBUTES]!, keyOctets, start, length, pathId, (records[at + SINCE]! >>> 0) * 1000);
      };
      show(nets, record, 0);
      for (let path = further[net]!; path !== 0; path = paths[(path << PATH_SHIFT) + PATH_NEXT]!) {
        show(paths, path << PATH_SHIFT, path);
      }
    }
    return end === this.store.netTop ? 0 : end;
  }
}

import type { BpfMap, Native, RingBuffer } from "../../../native/index.ts";
import type { NextHop, NextHopIndex } from "../../forwarding/index.ts";
import { CLOSED, DELIVERY, EVENT, EVENT_KIND, FLOW_KEY, RETURN, SETTINGS, TELL_NONE, VERDICTS } from "../abi.ts";
import { type FlowEvent, type FlowProgress, type FlowTelling, type FlowWatch, maskOf } from "../flows.ts";
import { returnKey } from "../memory/flow-key.ts";

/** Events that wait for their turn on the main thread; more are lost, and counted. */
const BACKLOG = 4096;
const CLOSED_BY_BOTH = CLOSED.byClient | CLOSED.byAgent;

export interface KernelFlowMaps {
  readonly events: BpfMap;
  /** The section `.data`. */
  readonly settings: BpfMap;
  readonly flows: BpfMap;
  readonly returns: BpfMap;
}

/** Reads the events of the pass. One at a time for one pass. */
export class KernelFlowWatch implements FlowWatch {
  readonly #maps: KernelFlowMaps;
  readonly #nextHop: (index: NextHopIndex) => NextHop | undefined;
  readonly #ring: RingBuffer;

  constructor(
    native: Native,
    maps: KernelFlowMaps,
    nextHop: (index: NextHopIndex) => NextHop | undefined,
    listener: (event: FlowEvent) => void,
  ) {
    this.#maps = maps;
    this.#nextHop = nextHop;
    this.#ring = native.bpf.openRingBuffer(maps.events, BACKLOG, (octets) => listener(decodeEvent(octets)));
  }

  get lost(): number {
    return this.#ring.dropped;
  }

  tell({ flows, refused }: FlowTelling): void {
    const value = new Uint8Array(SETTINGS.size);
    const view = new DataView(value.buffer);
    view.setUint32(SETTINGS.offsets.flow_mask, maskOf(flows, TELL_NONE), true);
    view.setUint32(SETTINGS.offsets.refused_mask, maskOf(refused, TELL_NONE), true);
    this.#maps.settings.update(new Uint8Array(4), value);
  }

  progress(event: FlowEvent): FlowProgress | undefined {
    const nextHop = this.#nextHop(event.nextHop);
    if (nextHop?.kind !== "instance") return undefined;
    const delivery = this.#maps.flows.lookup(flowKey(event));
    if (delivery === undefined) return undefined;
    const there = new DataView(delivery.buffer, delivery.byteOffset, delivery.length);
    if (there.getUint32(DELIVERY.offsets.to, true) !== event.nextHop) return undefined;
    const client = { address: event.client, port: event.clientPort };
    const way = this.#maps.returns.lookup(Buffer.from(returnKey(nextHop, client, event.protocol), "hex"));
    const back = way && new DataView(way.buffer, way.byteOffset, way.length);
    return {
      packets: there.getUint32(DELIVERY.offsets.packets, true),
      octets: there.getBigUint64(DELIVERY.offsets.octets, true),
      packetsBack: back?.getUint32(RETURN.offsets.packets, true) ?? 0,
      octetsBack: back?.getBigUint64(RETURN.offsets.octets, true) ?? 0n,
      closed: (way?.[RETURN.offsets.closed] ?? 0) === CLOSED_BY_BOTH,
    };
  }

  [Symbol.dispose](): void {
    this.tell({ flows: 0, refused: 0 });
    this.#ring[Symbol.dispose]();
  }
}

function decodeEvent(octets: Uint8Array): FlowEvent {
  const view = new DataView(octets.buffer, octets.byteOffset, octets.length);
  const { offsets } = EVENT;
  const flow = offsets.flow;
  const tag = octets[offsets.tag]!;
  return {
    kind: octets[offsets.kind] === EVENT_KIND.flow ? "begun" : "refused",
    at: Number(view.getBigUint64(offsets.time, true) / 1_000_000n),
    client: octets.slice(flow + FLOW_KEY.offsets.client, flow + FLOW_KEY.offsets.client + 16),
    capability: octets.slice(flow + FLOW_KEY.offsets.capability, flow + FLOW_KEY.offsets.capability + 16),
    clientPort: view.getUint16(flow + FLOW_KEY.offsets.client_port),
    capabilityPort: view.getUint16(flow + FLOW_KEY.offsets.capability_port),
    protocol: octets[flow + FLOW_KEY.offsets.protocol]!,
    tcpFlags: octets[offsets.tcp_flags]!,
    ifindex: view.getUint32(offsets.ifindex, true),
    tenantIndex: view.getUint16(offsets.tenant),
    nextHop: view.getUint32(offsets.next_hop, true),
    length: view.getUint32(offsets.length, true),
    verdict: VERDICTS[octets[offsets.verdict]!] ?? "passed",
    decapsulated: octets[offsets.decapsulated] === 1,
    ...(tag === 0 ? {} : { tag }),
  };
}

function flowKey({ client, capability, clientPort, capabilityPort, protocol }: FlowEvent): Uint8Array {
  const key = new Uint8Array(FLOW_KEY.size);
  const view = new DataView(key.buffer);
  key.set(client, FLOW_KEY.offsets.client);
  key.set(capability, FLOW_KEY.offsets.capability);
  view.setUint16(FLOW_KEY.offsets.client_port, clientPort);
  view.setUint16(FLOW_KEY.offsets.capability_port, capabilityPort);
  key[FLOW_KEY.offsets.protocol] = protocol;
  return key;
}

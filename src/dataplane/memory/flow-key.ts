import { toHex } from "../../base/index.ts";
import type { Affinity } from "../../forwarding/index.ts";
import { FLOW_KEY, RETURN_KEY, TURN_MULTIPLIER } from "../abi.ts";
import { flowHash } from "../hashes.ts";
import { type Layer4, Protocol, putU16 } from "./packet.ts";

/** Who sends to whom. */
export interface Ends {
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
}

/** What a client's flow at a capability address is called in `flows` and `transitions`, and hashed by. */
export interface Flow {
  readonly key: string;
  /** Where the search in a group of sites begins. */
  readonly siteSlot: number;
  /** Where the search in a local group begins. */
  readonly memberSlot: number;
  /** 20 bits: what tunnels tell flows apart by. @see RFC 6438 */
  readonly flowLabel: number;
}

/** What a hash depends on besides the packet. */
export interface Spreading {
  readonly hashSeed: number;
  /** Of the capability; for datagrams only. */
  readonly affinity?: Affinity | undefined;
  /** Datagrams that took turns before. */
  readonly turn: number;
}

/** The flow of a packet to a capability; `layer4` has its ports. */
export function flowOf(packet: Ends, layer4: Layer4, { hashSeed, affinity, turn }: Spreading): Flow {
  const { size, offsets } = FLOW_KEY;
  const key = new Uint8Array(size);
  const spread = layer4.protocol === Protocol.Udp ? affinity : undefined;
  key.set(packet.source, offsets.client);
  key.set(packet.destination, offsets.capability);
  if (spread !== "address") {
    putU16(key, offsets.client_port, layer4.sourcePort);
    putU16(key, offsets.capability_port, layer4.destinationPort);
  }
  key[offsets.protocol] = layer4.protocol;
  const hash = spread === "none" ? Math.imul(turn, TURN_MULTIPLIER) >>> 0 : flowHash(key, hashSeed);
  return { key: toHex(key), siteSlot: hash & 63, memberSlot: (hash >>> 6) & 63, flowLabel: hash >>> 12 };
}

/** The flow that a packet belongs to which went the other way. */
export function flowBackOf(packet: Ends, layer4: Layer4, spreading: Spreading): Flow {
  const { source, destination } = packet;
  const { sourcePort, destinationPort } = layer4;
  const turned = { ...layer4, sourcePort: destinationPort, destinationPort: sourcePort };
  return flowOf({ source: destination, destination: source }, turned, spreading);
}

/** What a fragment of an answer is called in `fragments`. */
export function fragmentKey({ source, destination }: Ends, id: Uint8Array): string {
  return toHex(source) + toHex(destination) + toHex(id);
}

/** What the way back of a flow is called in `returns`. */
export function returnKey(
  agent: { readonly address: Uint8Array; readonly port: number },
  client: { readonly address: Uint8Array; readonly port: number },
  protocol: number,
): string {
  const { size, offsets } = RETURN_KEY;
  const key = new Uint8Array(size);
  key.set(agent.address, offsets.agent);
  key.set(client.address, offsets.client);
  putU16(key, offsets.agent_port, agent.port);
  putU16(key, offsets.client_port, client.port);
  key[offsets.protocol] = protocol;
  return toHex(key);
}

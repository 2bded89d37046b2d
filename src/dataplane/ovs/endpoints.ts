import { toHex } from "../../base/index.ts";
import type { InstanceNextHop, NextHopIndex } from "../../forwarding/index.ts";
import { type SwitchFacts, toStack, verdictCookie } from "./next-hop-flows.ts";
import { conntrack } from "./openflow/actions.ts";
import { FIELD, is } from "./openflow/fields.ts";
import { addFlow, type Flow, type Numbered, removeFlow } from "./openflow/flow.ts";
import { MATCH, TABLE, ZONE } from "./tables.ts";

interface Endpoint {
  readonly instance: InstanceNextHop;
  /** Next hops that lead there. */
  readonly all: Set<NextHopIndex>;
  /** Those of them that may have packets. */
  readonly usable: Set<NextHopIndex>;
}

const keyOf = ({ address, protocol, port }: InstanceNextHop): string => `${toHex(address)} ${protocol} ${port}`;

/** Addresses and ports of instances. Several next hops may lead to one; its flows are there once. */
export class Endpoints {
  readonly #endpoints = new Map<string, Endpoint>();

  /** The messages after which the endpoint of a next hop is reached, or not, as the next hop says. */
  set(
    index: NextHopIndex,
    instance: InstanceNextHop,
    { usable }: { readonly usable: boolean },
    facts: SwitchFacts,
  ): Numbered[] {
    const key = keyOf(instance);
    const present = this.#endpoints.get(key);
    const endpoint = present ?? { instance, all: new Set(), usable: new Set() };
    const before = endpoint.usable.size > 0;
    endpoint.all.add(index);
    if (usable) endpoint.usable.add(index);
    else endpoint.usable.delete(index);
    this.#endpoints.set(key, endpoint);
    const messages = present === undefined ? [addFlow(backFlow(instance))] : [];
    return [...messages, ...deliverMessages(endpoint, before, facts)];
  }

  remove(index: NextHopIndex, instance: InstanceNextHop, facts: SwitchFacts): Numbered[] {
    const key = keyOf(instance);
    const endpoint = this.#endpoints.get(key);
    if (endpoint === undefined) return [];
    const before = endpoint.usable.size > 0;
    endpoint.all.delete(index);
    endpoint.usable.delete(index);
    const messages = deliverMessages(endpoint, before, facts);
    if (endpoint.all.size > 0) return messages;
    this.#endpoints.delete(key);
    return [...messages, removeFlow(backFlow(instance))];
  }

  /** All that the endpoints need, for a switch that has nothing. */
  *flows(facts: SwitchFacts): Generator<Flow> {
    for (const { instance, usable } of this.#endpoints.values()) {
      yield backFlow(instance);
      if (usable.size > 0) yield deliverFlow(instance, facts);
    }
  }
}

function deliverMessages({ instance, usable }: Endpoint, before: boolean, facts: SwitchFacts): Numbered[] {
  const after = usable.size > 0;
  if (before === after) return [];
  const flow = deliverFlow(instance, facts);
  return [after ? addFlow(flow) : removeFlow(flow)];
}

/** On the way to an instance, translated already. */
const deliverFlow = ({ address, protocol, port }: InstanceNextHop, facts: SwitchFacts): Flow => ({
  table: TABLE.deliver,
  priority: 10,
  match: [...MATCH[protocol], is(FIELD.ipv6Dst, address), is(protocol === "tcp" ? FIELD.tcpDst : FIELD.udpDst, port)],
  cookie: verdictCookie("delivered"),
  actions: toStack(facts),
});

/** What an instance sends from there may be an answer. */
const backFlow = ({ address, protocol, port }: InstanceNextHop): Flow => ({
  table: TABLE.back,
  priority: 10,
  match: [...MATCH[protocol], is(FIELD.ipv6Src, address), is(protocol === "tcp" ? FIELD.tcpSrc : FIELD.udpSrc, port)],
  actions: [conntrack({ zone: ZONE, table: TABLE.backTracked })],
});

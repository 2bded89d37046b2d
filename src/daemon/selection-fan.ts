import type { AgentSelection, CapabilitySelection } from "../rib/index.ts";

/**
 * Who wants to know what the RIB decides anew. What is handed to it is good during the call only, octets and lists too: the next
 * decision may stand in the same memory. What is read of it beyond numbers may be made when it is read.
 */
export interface SelectionListener {
  site?(selection: CapabilitySelection): void;
  agent?(selection: AgentSelection): void;
}

/** Hands the RIB's decisions, of which it tells each once, to everybody who acts on them. */
export class SelectionFan {
  /** Never changed: who ends or begins to listen while he is told makes another list. */
  #site: readonly SelectionListener[] = [];
  #agent: readonly SelectionListener[] = [];

  subscribe(listener: SelectionListener): Disposable {
    if (listener.site !== undefined) this.#site = [...this.#site, listener];
    if (listener.agent !== undefined) this.#agent = [...this.#agent, listener];
    const others = (all: readonly SelectionListener[]) => all.filter((other) => other !== listener);
    return {
      [Symbol.dispose]: () => {
        this.#site = others(this.#site);
        this.#agent = others(this.#agent);
      },
    };
  }

  site(selection: CapabilitySelection): void {
    const listeners = this.#site;
    for (let at = 0; at < listeners.length; at++) listeners[at]!.site!(selection);
  }

  agent(selection: AgentSelection): void {
    const listeners = this.#agent;
    for (let at = 0; at < listeners.length; at++) listeners[at]!.agent!(selection);
  }
}

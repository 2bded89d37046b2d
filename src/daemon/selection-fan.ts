import type { AgentSelection, CapabilitySelection } from "../rib/index.ts";

/** Who wants to know what the RIB decides anew. */
export interface SelectionListener {
  site?(selection: CapabilitySelection): void;
  agent?(selection: AgentSelection): void;
}

/** Hands the RIB's decisions, of which it tells each once, to everybody who acts on them. */
export class SelectionFan {
  readonly #listeners = new Set<SelectionListener>();

  subscribe(listener: SelectionListener): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  site(selection: CapabilitySelection): void {
    for (const listener of this.#listeners) listener.site?.(selection);
  }

  agent(selection: AgentSelection): void {
    for (const listener of this.#listeners) listener.agent?.(selection);
  }
}

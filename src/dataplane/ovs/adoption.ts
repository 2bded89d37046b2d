import { octetsEqual } from "../../base/index.ts";
import type { Operation } from "../../forwarding/index.ts";
import { operationOf } from "../plan-note.ts";
import type { FlowDescription } from "./openflow/flow.ts";

/** What an earlier process left in the switch. */
export interface Adoptable {
  readonly generation: number;
  /** In an order in which tables that are empty allow them. */
  readonly operations: readonly Operation[];
  /** Whether the flows are what ours would be; else the plan is good and the flows have to be made anew. */
  readonly exact: boolean;
}

/** What flows were made for. */
export interface MadeFor {
  /** Another arrangement of tables and registers has another number. */
  readonly layout: number;
  readonly domain: string;
  readonly locator: string;
  /** Whatever else they depend on. */
  readonly facts: unknown;
}

const ORDER: Readonly<Partial<Record<Operation["type"], number>>> = {
  "set-node": 0,
  "set-next-hop": 1,
  "set-slots": 2,
  "set-policy": 2,
  "set-capability": 3,
  "set-aggregate": 3,
};

/** The plan that the notes among the flows tell; `undefined` when there is none, or one of another arrangement or router. */
export function adoptableFrom(flows: readonly FlowDescription[], madeFor: MadeFor): Adoptable | undefined {
  const ours = textOf(madeFor);
  const notes = flows.flatMap(({ note, cookie }) => (note === undefined ? [] : [{ note, cookie }]));
  const header = notes.find(({ note }) => isForUs(note, madeFor));
  if (header === undefined) return undefined;
  const operations: Operation[] = [];
  for (const entry of notes) {
    if (entry === header) continue;
    const operation = operationOf(entry.note);
    if (operation === undefined) return undefined;
    operations.push(operation);
  }
  operations.sort((a, b) => (ORDER[a.type] ?? 0) - (ORDER[b.type] ?? 0));
  return { generation: Number(header.cookie), operations, exact: octetsEqual(header.note, ours) };
}

export const textOf = (madeFor: MadeFor): Uint8Array => new TextEncoder().encode(JSON.stringify(madeFor));

function isForUs(note: Uint8Array, { layout, domain, locator }: MadeFor): boolean {
  try {
    const found = JSON.parse(new TextDecoder().decode(note)) as Partial<MadeFor>;
    return found.layout === layout && found.domain === domain && found.locator === locator;
  } catch (cause) {
    if (cause instanceof SyntaxError) return false;
    throw cause;
  }
}

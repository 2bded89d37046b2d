import { messageOf } from "../../base/index.ts";
import { type Answer, answered, type Engine, fault, refused, type Session } from "../../management/index.ts";

/** The router itself, which may read everything. */
const ROUTER: Session = { id: 0, user: "system", protocol: "system", source: "alarms" };

/**
 * What an XPath expression selects of what is configured and in use, but for tables of routes: as JSON, without what is
 * inside of the nodes. Nothing once `signal` is aborted.
 */
export async function selectedNodes(
  engine: Pick<Engine<unknown, unknown>, "get">,
  expression: string,
  signal: AbortSignal,
): Promise<Answer<string>> {
  if (signal.aborted) return answered("{}");
  const select = { xpath: expression, namespaces: {} };
  const options = { format: "json", select, depth: 1, defaults: "report-all", tables: "left-out" } as const;
  try {
    const data = await engine.get(ROUTER, "operational", options);
    return data.ok ? answered(data.value.text) : data;
  } catch (cause) {
    if (signal.aborted) return answered("{}");
    return refused(fault("operation-failed", messageOf(cause)));
  }
}

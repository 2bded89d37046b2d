import type { DirectoryError } from "../directory/index.ts";
import { ControlRefusal } from "../management/index.ts";

/** What the directory refused, in the words of somebody at the command line. */
export function refusalOf(error: DirectoryError): ControlRefusal {
  const { fault, code } = error;
  switch (fault.code) {
    case "directory.unknown-agent":
      return new ControlRefusal(
        404,
        code,
        "No such agent",
        `${fault.agent} is not registered here: see semrctl show agents`,
      );
    case "directory.unknown-instance":
      return new ControlRefusal(404, code, "No such instance", `${fault.agent} has no instance ${fault.instance}`);
    case "directory.lease-expired":
      return new ControlRefusal(404, code, "The lease has run out", `the lease of ${fault.agent} has run out`);
    case "directory.agent-held": {
      const holder = fault.source === "configuration" ? "the configuration" : "another tenant";
      return new ControlRefusal(409, code, "The agent ID is taken", `${fault.agent} belongs to ${holder}`);
    }
    case "directory.duplicate-instance":
      return new ControlRefusal(
        409,
        code,
        "The same instance twice",
        `${fault.agent} offers the same capability at the same endpoint twice`,
      );
    case "directory.capability-limit":
      return new ControlRefusal(409, code, "Too many instances", `the ${fault.per} may have ${fault.limit} instances`);
    case "directory.store-failed":
      return new ControlRefusal(503, code, "The change could not be made durable", error.message);
    case "directory.address-collision":
      throw error; // a fault of the taxonomy, which was checked before anything was served
  }
}

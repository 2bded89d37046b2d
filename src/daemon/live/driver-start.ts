import { messageOf, sameValue } from "../../base/index.ts";
import {
  type Answer,
  answered,
  type Consequence,
  type DataplaneConfiguration,
  fault,
  localName,
  type Path,
  type Provider,
  type RouterChange,
  type RouterConfiguration,
  refused,
} from "../../management/index.ts";

const DRIVER = "/semrd-router:router/semrd-dataplane:dataplane/driver";
/** What of the section `dataplane` says whether a driver can start. */
const DECIDES: ReadonlySet<string> = new Set(["driver", "pin-directory", "ovs", "fib-service"]);

/**
 * Refuses another data plane that could not be started on this host, as the router would not start any more. One that is in use
 * is not asked, so that going back to it is always possible.
 */
export function driverStart(probe: (configuration: RouterConfiguration) => Promise<void>): Provider<RouterChange> {
  return {
    name: "driver-start",
    async plan({ changes, sections, before, intended }): Promise<Answer<readonly Consequence[]>> {
      if (!sections.has("dataplane") || !changes.some(({ path }) => decides(path))) return answered([]);
      if (sameValue(startedWith(before.dataplane), startedWith(intended.dataplane))) return answered([]);
      try {
        await probe(intended);
        return answered([]);
      } catch (cause) {
        const { driver } = intended.dataplane;
        const code = (cause as { readonly code?: unknown }).code;
        const message = `the data plane ${driver} could not start on this host, and the router not without it: ${messageOf(cause)}`;
        return refused(
          fault("operation-failed", message, {
            path: DRIVER,
            appTag: typeof code === "string" ? code : "no-dataplane",
          }),
        );
      }
    },
    prepare: () => answered(undefined),
  };
}

function decides(path: Path): boolean {
  const [, section, part] = path.map(localName);
  return section === "dataplane" && (part === undefined || DECIDES.has(part));
}

function startedWith({ driver, pinDirectory, openVswitch, executor }: DataplaneConfiguration) {
  return { driver, pinDirectory, openVswitch, executor };
}

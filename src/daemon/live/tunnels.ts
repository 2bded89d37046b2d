import { formatIpv6 } from "../../base/index.ts";
import type { DataplaneDriver } from "../../dataplane/index.ts";
import type { Compiler } from "../../forwarding/index.ts";
import { answered, fault, type Provider, type RouterChange, refused } from "../../management/index.ts";
import { carriesLeastMtu, tunnelsLacking, tunnelsOf } from "../tunnels.ts";

/** How other routers are reached: next hops change in place, flows do not notice. */
export function tunnelsProvider({
  compiler,
  driver,
}: {
  readonly compiler: Compiler;
  readonly driver: Pick<DataplaneDriver, "name" | "cannot">;
}): Provider<RouterChange> {
  return {
    name: "tunnels",
    plan({ before, after }) {
      const [was, is] = [before.dataplane, after.dataplane];
      if (was.tunnels === is.tunnels && was.clampMss === is.clampMss) return answered([]);
      const lacking = tunnelsLacking(after, driver);
      if (lacking.length === 0) return answered([]);
      const faults = lacking.map(({ path, reason }) => {
        const message = `the ${driver.name} data plane cannot carry it out: ${reason}`;
        return fault("operation-not-supported", message, { path, appTag: "tunnel-not-possible" });
      });
      return refused(...faults);
    },
    prepare({ before, after }) {
      if (before.dataplane.tunnels === after.dataplane.tunnels) return answered(undefined);
      const { tunnelMtu } = after.dataplane;
      const narrow = tunnelsOf(after).filter((tunnel) => !carriesLeastMtu(tunnel, tunnelMtu));
      if (narrow.length > 0) {
        return refused(
          ...narrow.map(({ locator }) =>
            fault(
              "invalid-value",
              `the tunnel-mtu in use, ${tunnelMtu}, is too small for it: restart with a larger one first`,
              {
                path: `/semrd-router:router/semrd-dataplane:dataplane/tunnels/tunnel[locator='${formatIpv6(locator)}']`,
                appTag: "bad-tunnel-mtu",
              },
            ),
          ),
        );
      }
      return answered({
        apply: () => compiler.tunnels(tunnelsOf(after)),
        revert: () => compiler.tunnels(tunnelsOf(before)),
      });
    },
  };
}

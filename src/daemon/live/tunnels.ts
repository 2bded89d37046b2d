import { formatIpv6 } from "../../base/index.ts";
import type { Compiler } from "../../forwarding/index.ts";
import { answered, fault, type Provider, type RouterChange, refused } from "../../management/index.ts";
import { carriesLeastMtu, tunnelsOf } from "../tunnels.ts";

/** How other routers are reached: next hops change in place, flows do not notice. */
export function tunnelsProvider({ compiler }: { readonly compiler: Compiler }): Provider<RouterChange> {
  return {
    name: "tunnels",
    plan: () => answered([]),
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

import type { Log } from "../base/index.ts";
import { RibError } from "./fault.ts";

/**
 * Builds a structure for `wanted` routes, or for half, a quarter … of them where the machine refuses the address space.
 *
 * Large typed arrays are reserved address space that the kernel commits page by page when it is first written, so the
 * configured maximum costs nothing until it is used. Strict overcommit (`vm.overcommit_memory=2`) and an address-space
 * limit are where that ends; then a smaller table is better than none, and the log says so.
 * @throws {RibError} `rib.no-memory` when not even `MINIMUM_ROUTES` fit.
 */
export function reserve<T>(what: string, wanted: number, log: Log, build: (routes: number) => T): T {
  for (let routes = wanted; ; routes = Math.ceil(routes / 2)) {
    try {
      const built = build(routes);
      if (routes < wanted) {
        const advice = "lower max-routes, or allow more address space (vm.overcommit_memory, ulimit -v)";
        log.error("rib.reservation-reduced", { table: what, wantedRoutes: wanted, routes, advice });
      }
      return built;
    } catch (cause) {
      if (!(cause instanceof RangeError)) throw cause;
      if (routes > MINIMUM_ROUTES) continue;
      throw new RibError(
        { code: "rib.no-memory", wantedRoutes: wanted },
        `no address space for a table of ${routes} routes (${what}): lower max-routes or allow more address space`,
        { cause },
      );
    }
  }
}

const MINIMUM_ROUTES = 1024;

import { toHex } from "../base/index.ts";
import { exportBorder, importBorder } from "../bgp/brownfield/index.ts";
import { defaultPolicy, type RoutePolicy } from "../bgp/policy/index.ts";
import type { RangeTemplate } from "../bgp/speaker/index.ts";
import type { NeighborBrownfieldConfiguration, RouterConfiguration } from "../management/index.ts";

/** A full UPDATE that grows by one AS on the way is lost or malformed in several daemons. @see DESIGN section 4.5 */
const LONGEST_UPDATE = 3900;
const OTHERWISE = defaultPolicy({ acceptExternal: false });

/** Whether capability routes are said as unicast to anybody. */
export function hasBrownfield({ bgp }: RouterConfiguration): boolean {
  return bgp?.neighbors.some(({ brownfield }) => brownfield !== undefined) === true;
}

/** Borders by the policy behind them and what they say, as the speaker compares policies by identity. */
const BORDERS = new WeakMap<RoutePolicy, Map<string, { readonly in: RoutePolicy; readonly out: RoutePolicy }>>();

function borders(
  configuration: RouterConfiguration,
  session: NeighborBrownfieldConfiguration | undefined,
  policy: RoutePolicy | undefined,
): { readonly in: RoutePolicy; readonly out: RoutePolicy } {
  const { domain, routerId, bgp } = configuration;
  const payloadCode = bgp?.brownfield.payloadAttribute;
  const says = JSON.stringify([toHex(domain.prefix.address), routerId, payloadCode, session]);
  const known = BORDERS.get(policy ?? OTHERWISE) ?? new Map();
  BORDERS.set(policy ?? OTHERWISE, known);
  const options = {
    domain: { prefix: domain.prefix, ...(payloadCode === undefined ? {} : { payloadCode }) },
    session,
    bgpIdentifier: routerId,
    policy,
    otherwise: OTHERWISE,
  };
  const made = known.get(says) ?? { in: importBorder(options), out: exportBorder(options) };
  known.set(says, made);
  return made;
}

/**
 * The options of a neighbour, or of a range of them, with the border of the domain, where this router has one.
 * @param session undefined: it has nothing to do with brownfield, and gets none of the domain's prefix
 */
export function withBorder<Options extends RangeTemplate>(
  options: Options,
  session: NeighborBrownfieldConfiguration | undefined,
  configuration: RouterConfiguration,
): Options {
  const { families = [], importPolicy, exportPolicy } = options;
  if (!hasBrownfield(configuration) || families.every(({ family }) => family !== "ipv6-unicast")) return options;
  const bordered = {
    ...options,
    importPolicy: borders(configuration, session, importPolicy).in,
    exportPolicy: borders(configuration, session, exportPolicy).out,
  };
  if (session === undefined) return bordered;
  return {
    ...bordered,
    longestUpdate: LONGEST_UPDATE,
    // What it says of capabilities it forwards, and whether that survives a restart it must say; other prefixes it does not.
    families: families.map((family) =>
      family.family === "ipv6-unicast" && !session.otherPrefixes ? { ...family, forwarded: true } : family,
    ),
  };
}

import { FIRST_CAPABILITY_POLICY } from "../forwarding/index.ts";
import { MAX_INDEX } from "./operation-values.ts";

/** How many entries each table has. Both drivers refuse what is beyond with `dataplane.table-full`. */
export interface TableSizes {
  /** Lines of two slots; a power of two, and at most a third of the slots is used: at a half, 16 lines are too few for some. */
  readonly capabilityLines: number;
  /** Groups and next hops with index 0, which means "none". */
  readonly groups: number;
  readonly nextHops: number;
  readonly nodes: number;
  /** Tunnels that are no plain IPv6-in-IPv6. */
  readonly encapsulations: number;
  /** Policies with index 0, which means "none". */
  readonly policies: number;
  /** Pairs of a policy and a tenant that it lets in. */
  readonly allowed: number;
  /** Prefixes of capability addresses that other sites know names below. */
  readonly aggregates: number;
  /** Prefixes behind ports. */
  readonly sources: number;
}

const NODES = 4096;
const ENCAPSULATIONS = 1024;
const MOST_CAPABILITY_POLICIES = 131_072;
const ALLOWED = 1_048_576;
const AGGREGATES = 4096;
const SOURCES = 65_536;
const LEAST_INDEXES = 1024;
const LEAST_LINES = 64;

/** Room for a group of sites and one of instances, and for two next hops, for each capability: more is shared, not less. */
export function tableSizes(maxCapabilities: number): TableSizes {
  const indexes = Math.min(MAX_INDEX + 1, Math.max(LEAST_INDEXES, powerOfTwo(2 * maxCapabilities)));
  return {
    capabilityLines: Math.max(LEAST_LINES, powerOfTwo(1.5 * maxCapabilities)),
    groups: indexes,
    nextHops: indexes,
    nodes: NODES,
    encapsulations: ENCAPSULATIONS,
    policies: FIRST_CAPABILITY_POLICY + Math.min(MOST_CAPABILITY_POLICIES, powerOfTwo(maxCapabilities)),
    allowed: ALLOWED,
    aggregates: AGGREGATES,
    sources: SOURCES,
  };
}

/** The smallest power of two that is not below `value`. */
function powerOfTwo(value: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(value, 1)));
}

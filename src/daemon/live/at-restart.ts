import { sameValue } from "../../base/index.ts";
import {
  type Answer,
  answered,
  type Consequence,
  fault,
  formatPath,
  isRenumbered,
  LASTING,
  LIVE,
  localName,
  type ManagementFault,
  NEVER,
  type Path,
  type Provider,
  type RouterChange,
  recodedFamilies,
  refused,
} from "../../management/index.ts";

/** Says which parts of a change wait for the next start, and refuses what cannot change at all. Carries nothing out. */
export const atRestart: Provider<RouterChange> = {
  name: "restart",
  plan(change): Answer<readonly Consequence[]> {
    const found: Consequence[] = [];
    const faults: ManagementFault[] = [];
    const { sections } = change;
    if (sections.size === 1 && sections.has("agents")) return answered([]);
    const whyAtRestart = reasonsAtRestart(change);
    for (const { path } of change.changes) {
      if (localName(path[1]!) === "agents") continue; // there may be very many, and all of them are live
      const never = NEVER.get(localName(path[1]!));
      const why = whyAtRestart(path);
      if (never !== undefined) faults.push(cannot(path, never));
      else if (why !== undefined) found.push(waits(path, why));
    }
    return faults.length > 0 ? refused(...faults) : answered(found);
  },
  prepare: () => answered(undefined),
};

/** Why a node of the change waits for the restart, if it does. What is looked up for that is put together once: there may be many changes. */
function reasonsAtRestart({ before, intended }: RouterChange): (path: Path) => string | undefined {
  let recoded: ReadonlySet<string> | undefined;
  const isRecoded = (label: string | undefined): boolean => {
    recoded ??= new Set(recodedFamilies(intended.taxonomy, before.taxonomy));
    return label !== undefined && recoded.has(label);
  };
  let renumbered: ReadonlySet<string> | undefined;
  const isOtherNumber = (name: string | undefined): boolean => {
    renumbered ??= renumberedTenants(before, intended);
    return name !== undefined && renumbered.has(name);
  };
  return (path) => whyAtRestart(path, { before, intended, isRecoded, isOtherNumber });
}

interface Lookups extends Pick<RouterChange, "before" | "intended"> {
  /** Of a family that has capabilities. */
  isRecoded(label: string | undefined): boolean;
  isOtherNumber(tenant: string | undefined): boolean;
}

function renumberedTenants(before: RouterChange["before"], intended: RouterChange["intended"]): ReadonlySet<string> {
  const known = new Map(before.tenants.map((tenant) => [tenant.name, tenant]));
  const others = intended.tenants.filter((tenant) => {
    const old = known.get(tenant.name);
    return old !== undefined && isRenumbered(old, tenant);
  });
  return new Set(others.map(({ name }) => name));
}

function whyAtRestart(path: Path, { before, intended, isRecoded, isOtherNumber }: Lookups): string | undefined {
  const names = path.slice(1).map(localName);
  const [section = "", list, leaf] = names;
  if (!LIVE.has(section)) return "this is set once, when the router starts";
  const lasting = LASTING.find(({ path: held }) => held.every((name, i) => names[i] === name));
  if (lasting !== undefined) return lasting.why;
  if (section === "bgp" && (before.bgp === undefined) !== (intended.bgp === undefined)) {
    return "BGP is started and ended with the router";
  }
  if (section === "tenants" && list === "tenant" && (leaf === "index" || leaf === "route-distinguisher")) {
    if (isOtherNumber(path[2]!.keys?.name)) return "addresses and routes of the tenant carry it";
  }
  if (section === "keystore" || section === "truststore") {
    const tls = intended.dataplane.executor?.tls;
    const name = path[3]?.keys?.name;
    const isIts = name === (section === "keystore" ? tls?.names.asymmetricKey : tls?.names.bag);
    if (name !== undefined && isIts && !sameValue(before.dataplane.executor?.tls, tls))
      return "the executor is connected to when the router starts";
  }
  if (section === "taxonomy" && list === "family") {
    if (isRecoded(path[2]!.keys?.label)) return "the addresses of its capabilities carry it";
  }
  return undefined;
}

function waits(path: Path, why: string): Consequence {
  const text = formatPath(path);
  const message = `takes effect at the next start of the router (${why})`;
  return { when: "at-restart", code: "router.restart-needed", path: text, message };
}

const cannot = (path: Path, advice: string): ManagementFault =>
  fault("operation-not-supported", `cannot change while the router runs: ${advice}`, {
    path: formatPath(path),
    appTag: "not-live",
  });

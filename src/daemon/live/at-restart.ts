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
    for (const { path } of change.changes) {
      if (localName(path[1]!) === "agents") continue; // there may be very many, and all of them are live
      const never = NEVER.get(localName(path[1]!));
      const why = whyAtRestart(path, change);
      if (never !== undefined) faults.push(cannot(path, never));
      else if (why !== undefined) found.push(waits(path, why));
    }
    return faults.length > 0 ? refused(...faults) : answered(found);
  },
  prepare: () => answered(undefined),
};

function whyAtRestart(path: Path, { before, intended }: RouterChange): string | undefined {
  const names = path.slice(1).map(localName);
  const [section = "", list, leaf] = names;
  if (!LIVE.has(section)) return "this is set once, when the router starts";
  const lasting = LASTING.find(({ path: held }) => held.every((name, i) => names[i] === name));
  if (lasting !== undefined) return lasting.why;
  if (section === "bgp" && (before.bgp === undefined) !== (intended.bgp === undefined)) {
    return "BGP is started and ended with the router";
  }
  if (section === "tenants" && list === "tenant" && (leaf === "index" || leaf === "route-distinguisher")) {
    const name = path[2]!.keys?.name;
    const [old, next] = [before, intended].map(({ tenants }) => tenants.find((tenant) => tenant.name === name));
    if (old !== undefined && next !== undefined && isRenumbered(old, next))
      return "addresses and routes of the tenant carry it";
  }
  if (section === "taxonomy" && list === "family") {
    const label = path[2]!.keys?.label;
    if (recodedFamilies(intended.taxonomy, before.taxonomy).some((held) => held === label)) {
      return "the addresses of its capabilities carry it";
    }
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

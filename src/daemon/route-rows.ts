import { agentIdHash, formatIpv4, formatIpv6, type Milliseconds, type Moment, toHex } from "../base/index.ts";
import type { RouteRow } from "../management/index.ts";
import type { AttributeSet, JudgedCandidate, RouteRow as RibRow, RouteSubject } from "../rib/index.ts";
import { asPathText, communitiesText } from "./community-text.ts";
import { ageSeconds, present, type RowSources } from "./rows.ts";

/** What of a route depends on its attributes alone. */
function attributeMembers(attributes: AttributeSet, now: Milliseconds) {
  const { semantic, localPref, multiExitDisc, originatorId, clusterList } = attributes;
  return {
    ...present({
      score: semantic?.score,
      siteState: semantic?.state,
      version: semantic?.version && `${semantic.version.major}.${semantic.version.minor}`,
      lease: semantic && {
        sequence: String(semantic.lease.sequence),
        remainingSeconds: Math.round(semantic.lease.validUntil - now / 1000),
        renewSeconds: semantic.lease.renew,
      },
      aggregate: semantic?.aggregate,
      localPref,
      multiExitDisc,
      originatorId: originatorId === undefined ? undefined : formatIpv4(originatorId),
      clusterList: clusterList?.map(formatIpv4),
    }),
    labels: semantic?.labels.map(({ text, critical }) => (critical ? `${text}!` : text)) ?? [],
    asPath: asPathText(attributes.asPath),
    communities: communitiesText(attributes),
  };
}

/** One row per path, with the role that its net has in the selection of what it is about. */
export function* routeRows(sources: RowSources, now: () => Moment): Generator<RouteRow> {
  for (const { shown } of judgedRoutes(sources, now)) yield shown;
}

/** As {@link routeRows}, each with the path of the RIB that it shows. */
export function* judgedRoutes(
  sources: RowSources,
  now: () => Moment,
): Generator<{ readonly path: RibRow; readonly shown: RouteRow }> {
  const { rib, names } = sources;
  const agents = new Map<string, string>();
  for (const { agent } of sources.directory.agents()) agents.set(toHex(agentIdHash(agent)), agent);
  const judge = new LatestSelection(sources);
  for (const row of rib.capability.routesOf({})) {
    const verdict = row.tenantIndex === undefined ? undefined : judge.of(row, row.tenantIndex);
    const at = now();
    const shown: RouteRow = {
      type: row.subject.type,
      ...subjectMembers(row.subject, sources, agents),
      tenant: names.tenant(row.tenantIndex) ?? toHex(row.key.subarray(2, 10)),
      origin: formatIpv4(row.originId),
      nextHop: formatIpv6(row.nextHop),
      peer: row.peer === 0 ? "local" : (rib.peer(row.peer)?.name ?? `peer ${row.peer}`),
      ...(row.pathId === undefined ? {} : { pathId: row.pathId }),
      local: row.peer === 0,
      status: verdict?.judgement === "winner" ? "best" : (verdict?.judgement ?? "excluded"),
      stale: row.stale,
      step: verdict?.step ?? (row.tenantIndex === undefined ? "import-target" : "best-path"),
      weight: verdict?.candidate.weight ?? 0,
      ...attributeMembers(row.attributes, at.wall),
      ageSeconds: ageSeconds(row.learntAt, at.monotonic),
    };
    yield { path: row, shown };
  }
}

function subjectMembers(
  subject: RouteSubject,
  { names }: RowSources,
  agents: ReadonlyMap<string, string>,
): Pick<RouteRow, "capability" | "capabilityId" | "instanceId" | "agentId"> {
  if (subject.type === "prefix") return { capability: subject.prefix === "/" ? "/..." : `${subject.prefix}/...` };
  if (subject.type === "agent") {
    const agentId = toHex(subject.agentId);
    return { capability: agents.get(agentId) ?? `agent ${agentId}`, agentId };
  }
  const capabilityId = toHex(subject.capabilityId);
  const capability = names.capability(subject.capabilityId) ?? capabilityId;
  return {
    capability,
    capabilityId,
    ...(subject.type === "instance" ? { instanceId: toHex(subject.instanceId) } : {}),
  };
}

/** Rows of one destination come one after the other, as a rule: it is decided once for all of them. */
class LatestSelection {
  readonly #sources: RowSources;
  #about = "";
  #candidates: readonly (JudgedCandidate & { readonly instanceId?: Uint8Array })[] = [];

  constructor(sources: RowSources) {
    this.#sources = sources;
  }

  /** A path that its own net did not choose has no part in a selection. */
  of(row: RibRow, tenant: number): JudgedCandidate | undefined {
    const about = `${tenant} ${row.subject.type} ${toHex(row.key.subarray(10, row.subject.type === "prefix" ? undefined : 26))}`;
    if (about !== this.#about) this.#candidates = this.#decide(row.subject, tenant);
    this.#about = about;
    if (!row.best) return undefined;
    const id = row.subject.type === "instance" ? toHex(row.subject.instanceId) : undefined;
    return this.#candidates.find(
      ({ candidate, instanceId }) =>
        candidate.originId === row.originId && (id === undefined || (instanceId && toHex(instanceId)) === id),
    );
  }

  #decide(subject: RouteSubject, tenant: number): readonly JudgedCandidate[] {
    const { capability } = this.#sources.rib;
    switch (subject.type) {
      case "site":
        return capability.select(tenant, subject.capabilityId).candidates;
      case "instance":
        return capability.selectInstances(tenant, subject.capabilityId).candidates;
      case "agent":
        return capability.selectAgent(tenant, subject.agentId).candidates;
      case "prefix":
        return capability.selectExactPrefix(tenant, subject.prefix).candidates;
    }
  }
}

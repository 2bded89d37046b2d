import { ANY_SITE, type CapabilityName, formatIpv4, formatIpv6, momentOf } from "../base/index.ts";
import type { ExplainQuestion, ExplainReport } from "../management/index.ts";
import type { ControlParts } from "./control.ts";
import { explainCandidate, explainInstance, tenantOf } from "./rows.ts";

/** Who serves a capability of a tenant, who could, and why not. */
export function explainReport(parts: ControlParts, question: ExplainQuestion): ExplainReport {
  const { taxonomy, rib, names, directory, clock } = parts;
  const tenant = tenantOf(parts, question.tenant);
  const { capability } = question;
  const majorVersion = question.majorVersion ?? taxonomy.versions(capability).at(-1)?.majorVersion ?? 1;
  const selection = rib.capability.select(tenant.index, names.capabilityId(capability, majorVersion));
  const won = selection.candidates.find(({ judgement }) => judgement === "winner");
  return {
    capability,
    tenant: tenant.name,
    majorVersion,
    known: taxonomy.find(capability, majorVersion) !== undefined || selection.candidates.length > 0,
    address: formatIpv6(taxonomy.address(tenant.name, capability, majorVersion, ANY_SITE)!),
    dnsName: taxonomy.dnsName(tenant.name, capability),
    ...(won === undefined ? {} : { winner: formatIpv4(won.candidate.originId), step: won.step, reason: won.reason }),
    candidates: selection.candidates.map((judged) => explainCandidate(judged, parts, momentOf(clock))),
    ...(won === undefined ? resolverOf(parts, tenant.index, capability) : {}),
    instances: directory.instancesFor({ tenant: tenant.name, capability, majorVersion }).map(explainInstance),
  };
}

/** Who answers for the longest prefix of a name that no site serves. */
function resolverOf(
  { rib, names }: ControlParts,
  tenantIndex: number,
  capability: CapabilityName,
): Pick<ExplainReport, "resolver"> {
  const selection = rib.capability.selectPrefix(tenantIndex, capability);
  if (selection?.winner === undefined) return {};
  const { originId, nextHop } = selection.winner;
  const originName = names.router(nextHop);
  const origin = formatIpv4(originId);
  return { resolver: { prefix: selection.prefix, origin, ...(originName === undefined ? {} : { originName }) } };
}

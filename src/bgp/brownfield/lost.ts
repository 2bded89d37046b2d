import type { AttributeSet } from "../../rib/index.ts";
import { decodeSiteWords, isSiteWord } from "./communities.ts";
import type { BrownfieldDomain } from "./domain.ts";
import { Attached, markOf } from "./mark.ts";
import { readPayload } from "./payload.ts";

/** What a route had when it was sent and has no more: constant words, fit for a counter's label. */
export const LOSABLE = [
  "mark",
  "check",
  "version",
  "metric",
  "classes",
  "labels",
  "lease",
  "attestation",
  "locator",
  "payload",
] as const;
export type Lost = (typeof LOSABLE)[number];

/** What is missing, as far as what has arrived tells. The mark says what was attached besides what always is. */
export function lostOf(set: AttributeSet, domain: BrownfieldDomain): readonly Lost[] {
  const mark = markOf(set);
  if (mark === undefined) return set.largeCommunities.some(isSiteWord) ? ["mark"] : [];
  const said = decodeSiteWords(set.largeCommunities, domain.labels);
  const words = typeof said === "string" ? undefined : said.words;
  const had = (flag: number): boolean => (mark.flags & flag) !== 0;
  const missing: Readonly<Record<Lost, boolean>> = {
    mark: false,
    check: words?.check === undefined,
    version: words?.version === undefined,
    metric: words?.metric === undefined,
    classes: had(Attached.Classes) && words?.classes === undefined,
    labels: had(Attached.Labels) && words?.labels === undefined,
    lease: words?.validUntil === undefined,
    attestation: had(Attached.Attestation) && words?.attestation === undefined,
    locator: words?.locator === undefined,
    payload:
      had(Attached.Payload) && domain.payloadCode !== undefined && readPayload(set, domain.payloadCode) === undefined,
  };
  return LOSABLE.filter((what) => missing[what]);
}

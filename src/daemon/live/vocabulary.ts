import { type Clock, messageOf } from "../../base/index.ts";
import type { Speaker } from "../../bgp/speaker/index.ts";
import type { DataplaneDriver } from "../../dataplane/index.ts";
import { type AgentRecord, type Directory, DirectoryError, type Taxonomy } from "../../directory/index.ts";
import type { Compiler } from "../../forwarding/index.ts";
import {
  answered,
  fault,
  type Prepared,
  type Provider,
  type RouterChange,
  type RouterConfiguration,
  refused,
  type TenantConfiguration,
} from "../../management/index.ts";
import type { Rib } from "../../rib/index.ts";
import { importTargetsOf } from "../bgp.ts";
import type { Brownfield } from "../brownfield.ts";
import type { Names } from "../names.ts";
import type { Origination } from "../origination.ts";
import { affinitiesLacking } from "./affinity.ts";
import { unserved } from "./agents.ts";
import { type Current, indexes, knownCapabilities, namesOf, taxonomyOf } from "./current.ts";

export interface VocabularyParts {
  readonly current: Current;
  readonly rib: Rib;
  readonly compiler: Compiler;
  readonly directory: Directory;
  readonly origination: Origination;
  readonly brownfield: Brownfield | undefined;
  readonly speaker: Pick<Speaker, "importTargets">;
  /** Servers that answer by the taxonomy. */
  readonly taxonomyChanged: (taxonomy: Taxonomy) => void;
  /** What is mapped to IPv4 at the edge. */
  readonly edgeChanged: (configuration: RouterConfiguration, taxonomy: Taxonomy) => void;
  /** Why the data plane cannot do that. */
  readonly edgeRefusal: (configuration: RouterConfiguration) => string | undefined;
  readonly driver: DataplaneDriver;
  readonly clock: Clock;
}

const differs = ({ before, after }: RouterChange): boolean =>
  before.taxonomy !== after.taxonomy || before.tenants !== after.tenants || before.ipv4 !== after.ipv4;

/**
 * Tenants and taxonomy, in two halves around the agents: `coming` lets the parts know what is new besides what they know,
 * `going` takes away what is not there any more, once no agent of it is left.
 */
export function vocabularyProviders(parts: VocabularyParts): {
  readonly coming: Provider<RouterChange>;
  readonly going: Provider<RouterChange>;
} {
  return {
    coming: {
      name: "taxonomy and tenants",
      plan: () => answered([]),
      async prepare(change) {
        if (!differs(change)) return answered(undefined);
        const [lack] =
          change.before.taxonomy === change.after.taxonomy ? [] : affinitiesLacking(change.after, parts.driver);
        if (lack !== undefined) {
          const path = "/semrd-router:router/semrd-taxonomy:taxonomy";
          const message = `the ${parts.driver.name} data plane cannot carry it out: ${lack}`;
          return refused(fault("operation-not-supported", message, { path, appTag: "affinity-not-possible" }));
        }
        const refusal = parts.edgeRefusal(change.after);
        if (refusal !== undefined) {
          const path = "/semrd-router:router/semrd-ipv4:ipv4";
          return refused(fault("operation-not-supported", refusal, { path, appTag: "ipv4-not-possible" }));
        }
        try {
          return answered(new Coming(change, parts, await taxonomyOf(change.after, parts.clock)));
        } catch (cause) {
          if (!(cause instanceof DirectoryError)) throw cause;
          const path = "/semrd-router:router/semrd-taxonomy:taxonomy";
          return refused(fault("invalid-value", messageOf(cause), { path, appTag: cause.code }));
        }
      },
    },
    going: {
      name: "taxonomy and tenants that go",
      plan: () => answered([]),
      prepare: (change) => answered(differs(change) ? new Going(change, parts) : undefined),
    },
  };
}

/** What is in use of both: tenants that go stay until their agents have gone. */
function together({ before, after }: RouterChange): RouterConfiguration {
  const named = new Set(after.tenants.map(({ name }) => name));
  const leaving = before.tenants.filter(({ name }) => !named.has(name));
  return { ...after, tenants: [...after.tenants, ...leaving] };
}

class Coming implements Prepared {
  readonly #change: RouterChange;
  readonly #parts: VocabularyParts;
  readonly #next: { readonly taxonomy: Taxonomy; readonly names: Names };
  readonly #before: { readonly taxonomy: Taxonomy; readonly names: Names };

  constructor(change: RouterChange, parts: VocabularyParts, taxonomy: Taxonomy) {
    this.#change = change;
    this.#parts = parts;
    this.#next = { taxonomy, names: namesOf(change.after, taxonomy) };
    this.#before = { taxonomy: parts.current.taxonomy, names: parts.current.names };
  }

  apply(): void {
    tell(together(this.#change), this.#change.before.tenants, this.#parts);
    this.#show(this.#next);
    this.#parts.edgeChanged(this.#change.after, this.#next.taxonomy);
  }

  revert(): void {
    this.#parts.edgeChanged(this.#change.before, this.#before.taxonomy);
    this.#show(this.#before);
    tell(this.#change.before, together(this.#change).tenants, this.#parts);
  }

  #show({ taxonomy, names }: { readonly taxonomy: Taxonomy; readonly names: Names }): void {
    Object.assign(this.#parts.current, { taxonomy, names });
    this.#parts.taxonomyChanged(taxonomy);
  }
}

class Going implements Prepared {
  readonly #change: RouterChange;
  readonly #parts: VocabularyParts;
  /** Agents that lost capabilities. */
  readonly #unserved: AgentRecord[] = [];

  constructor(change: RouterChange, parts: VocabularyParts) {
    this.#change = change;
    this.#parts = parts;
  }

  apply(): void {
    const { directory, current } = this.#parts;
    const { taxonomy } = current;
    const serves = (tenant: string, capability: string, majorVersion: number): boolean =>
      taxonomy.tenants.has(tenant) && taxonomy.find(capability as never, majorVersion) !== undefined;
    for (const [agent, left] of unserved(directory, serves)) {
      this.#unserved.push(directory.agent(agent)!);
      if (left.offers.length === 0) directory.remove(agent, "configuration");
      else directory.put(left);
    }
    tell(this.#change.after, together(this.#change).tenants, this.#parts);
  }

  revert(): void {
    tell(together(this.#change), this.#change.after.tenants, this.#parts);
    for (const record of this.#unserved) this.#parts.directory.put(record);
  }
}

/** Lets the parts go by `configuration`; `known` are the tenants that they know. */
function tell(
  configuration: RouterConfiguration,
  known: readonly TenantConfiguration[],
  { rib, compiler, origination, brownfield, speaker }: VocabularyParts,
): void {
  const { tenants, taxonomy } = configuration;
  compiler.numbers({ tenants: indexes(tenants), familyCodes: taxonomy.familyCodes });
  compiler.taxonomy(knownCapabilities(configuration));
  if (tenants !== known) {
    rib.setTenants(tenants);
    speaker.importTargets(importTargetsOf(tenants));
  }
  brownfield?.know(configuration);
  origination.change({ tenants, taxonomyRevision: taxonomy.revision });
}

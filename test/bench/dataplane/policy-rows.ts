import { type CapabilityName, milliseconds } from "../../../src/base/index.ts";
import { Compiler, type Operation, type TenantPolicy } from "../../../src/forwarding/index.ts";
import { systemClock, systemRandom } from "../../../src/host/index.ts";
import { ListLog, TallyMetrics } from "../../sim/tally-metrics.ts";
import { type Row, single } from "./figures.ts";
import { DOMAIN, LOCATOR, startDataplane } from "./world.ts";

const TENANTS = 1000;
const RULES = 100;
const CAPABILITIES = 131_072;

const NAMES = Array.from({ length: RULES }, (_, i) => `/family${i % 10}/capability${i}` as CapabilityName);

/** Each of a tenant's capabilities is opened to another tenant; `shift` says to which. */
function policyOf(tenantIndex: number, shift = 0): TenantPolicy {
  const rules = NAMES.map((name, i) => ({
    ...{ names: [name], prefixes: [], from: [((tenantIndex + i + shift) % TENANTS) + 1] },
  }));
  return { tenantIndex, rules, capabilities: [] };
}

/** Rules of tenants from the compiler into the kernel's tables, by processor time. */
export async function measurePolicies(): Promise<Row[]> {
  await using dataplane = await startDataplane("policies", CAPABILITIES);
  const written: Operation[] = [];
  const sink = {
    apply(operations: readonly Operation[], generation: number): void {
      dataplane.apply(operations, generation);
      for (const operation of operations) written.push(operation);
    },
  };
  const limits = {
    capabilities: CAPABILITIES,
    groups: 1023,
    nextHops: 1023,
    policies: CAPABILITIES,
    allowed: 1_048_576,
  };
  using compiler = new Compiler(
    {
      ...{ domain: DOMAIN, locator: LOCATOR, selector: 1, hashSeed: 1, tenants: new Map(), familyCodes: new Map() },
      ...{ transitionHold: milliseconds(1), quarantine: milliseconds(1), limits },
    },
    { clock: systemClock, random: systemRandom, sink, log: new ListLog(), metrics: new TallyMetrics() },
  );
  /** Milliseconds of processor time until everything is in the tables. */
  const spent = async (work: () => void): Promise<number> => {
    written.length = 0;
    const before = process.cpuUsage();
    work();
    while (compiler.pending > 0) await new Promise<void>((resolve) => setImmediate(resolve));
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  };
  const tenants = Array.from({ length: TENANTS }, (_, i) => i + 1);
  const known = tenants.flatMap((tenantIndex) => NAMES.map((name) => ({ tenantIndex, name, majorVersion: 1 })));
  await spent(() => compiler.taxonomy(known));
  const policies = tenants.map((tenantIndex) => policyOf(tenantIndex));
  const all = await spent(() => compiler.policies(policies));
  const changed = policies.with(499, policyOf(500, 7));
  const tenant = await spent(() => compiler.policies(changed));
  const ofTenant = written.length;
  const rules = changed[499]!.rules.with(3, { ...changed[499]!.rules[3]!, from: [1, 2, 3] });
  const one = await spent(() => compiler.policies(changed.with(499, { ...changed[499]!, rules })));
  const others = written.filter((each) => each.type !== "set-policy" || each.policy.tenantIndex !== 500).length;
  return [
    single(`${TENANTS} tenants × ${RULES} rules, all new: compiled and written`, "ms", all),
    single(`all ${RULES} rules of one of them changed`, "ms", tenant, { most: 1000 }),
    single("  operations for that", "", ofTenant, { most: RULES }),
    single("one rule of one of them changed", "ms", one, { most: 1000 }),
    single("  operations for that, of other tenants", "", others, { most: 0 }),
  ];
}

import { type CapabilityName, type Ipv6Address, parseIpv4, parseIpv6 } from "../base/index.ts";
import type {
  OperationOutput,
  OperationRequest,
  PacketChoice,
  PacketInquiry,
  PacketReport,
} from "../management/index.ts";
import { present } from "./rows.ts";

/** The input of the rpc `explain-packet`, which the model has checked. */
export function inquiryOf(input: OperationRequest["input"]): PacketInquiry {
  const text = (name: string): string | undefined => input[name] as string | undefined;
  const number = (name: string): number | undefined => (input[name] === undefined ? undefined : Number(input[name]));
  const address = (name: string): Ipv6Address | undefined => {
    const given = text(name);
    return given === undefined ? undefined : parseIpv6(given)!;
  };
  const either = (name: string): Ipv6Address | number | undefined => parseIpv4(text(name) ?? "") ?? address(name);
  return {
    source: either("source")!,
    destination: either("destination") ?? (text("capability") as CapabilityName),
    ...present({
      tenant: text("tenant"),
      protocol: text("protocol") as PacketInquiry["protocol"],
      sourcePort: number("source-port"),
      port: number("port"),
      flags: text("flags") as PacketInquiry["flags"],
      hopLimit: number("hop-limit"),
      length: number("length"),
      interface: text("interface"),
      tunnelFrom: address("tunnel-from"),
    }),
  } as PacketInquiry;
}

/** Its output. */
export function packetFate(report: PacketReport): OperationOutput {
  const { capability, tenant, policy, flowLabel, sites, instances, elsewhere, leaves } = report;
  return {
    ...{ interface: report.interface, verdict: report.verdict, text: report.text, "new-flow": report.newFlow },
    ...present({ capability, tenant, "flow-label": flowLabel }),
    ...present({ "client-tenant": policy?.tenant, rule: policy?.rule, "rule-owner": policy?.ruleOwner }),
    ...present({ "policy-text": policy?.text }),
    ...(sites && { sites: choice(sites) }),
    ...(instances && { instances: choice(instances) }),
    ...(elsewhere && { elsewhere: choice(elsewhere) }),
    ...(leaves && { leaves }),
  };
}

function choice({ slot, inTransition, probes }: PacketChoice): OperationOutput {
  const probe = probes.map(({ fate, ...rest }) => ({ ...present(rest), fate: fate.replaceAll(" ", "-") }));
  return { slot, "in-transition": inTransition, probe };
}

import { formatIpv4, formatIpv6, formatZoned } from "../base/index.ts";
import type { StatementHits } from "../bgp/policy/index.ts";
import type {
  ActionsConfiguration,
  AddressPrefixConfiguration,
  ChangeConfiguration,
  ConditionsConfiguration,
  IntervalConfiguration,
  PolicyRow,
  RouterConfiguration,
} from "../management/index.ts";

/** Every statement in the order of the configuration, with how often it has fitted. */
export function* policyRows(configuration: RouterConfiguration, hits: Iterable<StatementHits>): Iterable<PolicyRow> {
  const counted = new Map(Array.from(hits, (entry) => [`${entry.policy} ${entry.statement}`, entry]));
  for (const { name, statements } of configuration.routingPolicy.policies) {
    const usedBy = users(configuration, name);
    for (const [i, { name: statement, conditions, actions, result }] of statements.entries()) {
      const found = counted.get(`${name} ${statement}`);
      yield {
        policy: name,
        statement,
        position: i + 1,
        conditions: conditionTexts(conditions),
        actions: actionTexts(actions),
        result,
        sets: String(found?.sets ?? 0),
        routes: String(found?.routes ?? 0),
        usedBy,
      };
    }
  }
}

function users({ bgp }: RouterConfiguration, policy: string): string[] {
  return (bgp?.neighbors ?? []).flatMap((neighbor) => {
    const { description = formatZoned(neighbor), importPolicy, exportPolicy } = neighbor;
    return [
      ...(importPolicy.includes(policy) ? [`import from ${description}`] : []),
      ...(exportPolicy.includes(policy) ? [`export to ${description}`] : []),
    ];
  });
}

const SET_WORDS = [
  ["prefixes", "prefix-set"],
  ["capabilities", "capability-set"],
  ["neighbors", "neighbor-set"],
  ["communities", "community-set"],
  ["extendedCommunities", "ext-community-set"],
  ["largeCommunities", "large-community-set"],
  ["asPath", "as-path-set"],
  ["labels", "label-set"],
] as const;
const OPTION_WORDS = { any: "", all: "all of ", invert: "none of " } as const;

function conditionTexts(conditions: ConditionsConfiguration): string[] {
  const { families, tenants, asPathLength, score, states, nextHops, rpkiStates } = conditions;
  const sets = SET_WORDS.flatMap(([member, word]) => {
    const match = conditions[member];
    return match === undefined ? [] : [`${OPTION_WORDS[match.option]}${word} ${match.set.name}`];
  });
  return [
    ...sets,
    ...(families === undefined ? [] : [`family ${families.join(" or ")}`]),
    ...(tenants === undefined ? [] : [`tenant ${tenants.map(({ name }) => name).join(" or ")}`]),
    ...(asPathLength === undefined ? [] : [`as-path-length ${intervalText(asPathLength)}`]),
    ...(score === undefined ? [] : [`score ${intervalText(score)}`]),
    ...(states === undefined ? [] : [`site-state ${states.join(" or ")}`]),
    ...(rpkiStates === undefined ? [] : [`rpki-state ${rpkiStates.join(" or ")}`]),
    ...(nextHops === undefined ? [] : [`next-hop-in ${nextHops.map(prefixText).join(" or ")}`]),
  ];
}

const intervalText = ({ minimum, maximum }: IntervalConfiguration): string =>
  minimum === maximum ? `${minimum}` : `${minimum}-${maximum}`;

function prefixText({ address, length }: AddressPrefixConfiguration): string {
  const v4 = address.length === 4 ? new DataView(address.buffer, address.byteOffset).getUint32(0) : undefined;
  return `${v4 === undefined ? formatIpv6(address) : formatIpv4(v4)}/${length}`;
}

function actionTexts(actions: ActionsConfiguration): string[] {
  const { localPref, multiExitDisc, prepend, nextHop } = actions;
  const change = (what: string, todo: ChangeConfiguration<{ readonly text: string }> | undefined): string[] =>
    todo === undefined ? [] : [`${todo.operation} ${what} ${todo.members.map(({ text }) => text).join(" ")}`];
  return [
    ...(localPref === undefined ? [] : [`local-preference ${localPref}`]),
    ...(multiExitDisc === undefined ? [] : [`med ${multiExitDisc}`]),
    ...change("community", actions.communities),
    ...change("ext-community", actions.extendedCommunities),
    ...change("large-community", actions.largeCommunities),
    ...(prepend === undefined ? [] : [`prepend ${prepend.autonomousSystem ?? "own AS"} × ${prepend.count}`]),
    ...(nextHop === undefined ? [] : [`next-hop ${nextHop}`]),
    ...change("label", actions.labels),
  ];
}

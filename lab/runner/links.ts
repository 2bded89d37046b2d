import type { Section } from "./section.ts";
import type { LinkDefinition, LinkEnd, NodeDefinition } from "./topology.ts";

/** The kernel's limit: 15 octets, no slash, no white space. */
const INTERFACE_NAME = /^[^\s/:]{1,15}$/;
/** The smallest that IPv4 allows; veth's own limit above. */
const MTU = { min: 68, max: 65_535 };

/** The endpoint name that stands for this machine's own network namespace. */
export const HOST = "host";

/** Reads `topology.links`: the brief form, and typed `veth` and `host` ones. */
export function readLinks(topology: Section, nodes: readonly NodeDefinition[]): LinkDefinition[] {
  const kinds = new Map(nodes.map((node) => [node.name, node.kind]));
  const used = new Set<string>();
  const links: LinkDefinition[] = [];

  const check = (link: Section, end: LinkEnd): boolean => {
    if (end.node !== HOST && !kinds.has(end.node)) {
      link.fault("endpoints", `there is no node ${end.node}`);
      return false;
    }
    if (!INTERFACE_NAME.test(end.interface)) {
      link.fault("endpoints", `${end.interface} cannot be an interface's name (at most 15 characters, no '/')`);
      return false;
    }
    const place = `${kinds.get(end.node) === "host" ? HOST : end.node}:${end.interface}`;
    if (used.has(place)) {
      link.fault("endpoints", `${place} is used by two links`);
      return false;
    }
    used.add(place);
    return true;
  };

  for (const link of topology.list("links")) {
    const type = link.text("type") ?? "brief";
    const mtu = link.integer("mtu", MTU);
    for (const label of ["labels", "vars"]) {
      if (link.raw(label) !== undefined) link.notice(label, "info", "kept in the file, without effect here");
    }
    const ends = readEnds(link, type);
    link.reportRest();
    if (ends === undefined) continue;
    if (ends.map((end) => check(link, end)).every((good) => good)) links.push({ ends, mtu });
  }
  return links;
}

function readEnds(link: Section, type: string): readonly [LinkEnd, LinkEnd] | undefined {
  switch (type) {
    case "brief": {
      const [first, second, ...rest] = link.texts("endpoints").map(splitEnd);
      if (first !== undefined && second !== undefined && rest.length === 0) return [first, second];
      link.fault("endpoints", "must be two texts of the form node:interface");
      return undefined;
    }
    case "veth": {
      const [first, second, ...rest] = link.list("endpoints").map(readEnd);
      if (first !== undefined && second !== undefined && rest.length === 0) return [first, second];
      link.fault("endpoints", "must be two mappings with node and interface");
      return undefined;
    }
    case "host": {
      const end = readEnd(link.section("endpoint"));
      const outside = link.text("host-interface");
      if (end !== undefined && outside !== undefined) return [end, { node: HOST, interface: outside }];
      link.fault("endpoint", "needs node and interface, and the link host-interface");
      return undefined;
    }
    default:
      link.fault("type", `${type} links cannot be made here; there are veth, host and the brief form`);
      return undefined;
  }
}

function splitEnd(text: string): LinkEnd | undefined {
  const colon = text.indexOf(":");
  return colon <= 0 ? undefined : { node: text.slice(0, colon), interface: text.slice(colon + 1) };
}

function readEnd(end: Section): LinkEnd | undefined {
  const node = end.text("node");
  const name = end.text("interface");
  end.reportRest();
  return node === undefined || name === undefined ? undefined : { node, interface: name };
}

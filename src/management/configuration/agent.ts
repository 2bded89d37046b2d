import { formatIpv6Prefix } from "../../base/index.ts";
import { ConfigurationError } from "./error.ts";
import { JsonSyntaxError, parseJsonDocument } from "./json-document.ts";
import { type LoadParts, parseConfiguration } from "./load.ts";
import type { AgentConfiguration, RouterConfiguration } from "./types.ts";

/**
 * Reads one agent as an operator adds it by command: an entry of the list `agent` of semrd-agent as JSON. It is
 * validated by the model, with taxonomy, tenants and domain of the configuration that runs, and given its defaults.
 *
 * @throws {ConfigurationError} with paths that begin at the agent
 */
export async function parseAgent(
  text: string,
  running: RouterConfiguration,
  parts: LoadParts = {},
): Promise<AgentConfiguration> {
  refuseSyntax(text);
  const around = JSON.stringify({
    name: running.name,
    "router-id": "192.0.2.1",
    domain: { "dns-zone": running.domain.dnsZone, prefix: formatIpv6Prefix(running.domain.prefix) },
    site: { selector: 1, locator: "::1" },
    "semrd-taxonomy:taxonomy": {
      capability: running.taxonomy.capabilities.map(({ name, majorVersion, servicePort, protocol }) => ({
        name,
        "major-version": majorVersion,
        "service-port": servicePort,
        protocol,
      })),
    },
    "semrd-tenant:tenants": {
      tenant: running.tenants.map(({ name, index }) => ({
        name,
        index,
        "route-distinguisher": `2:${index}:0`,
        "import-target": ["65000:1"],
        "export-target": ["65000:1"],
      })),
    },
  });
  // The agent's own text is put in as it is, so that libyang sees it unchanged.
  const document = `{"semrd-router:router":${around.slice(0, -1)},"semrd-agent:agents":{"agent":[${text}\n]}}}`;
  try {
    const { agents } = await parseConfiguration(document, "/", parts);
    return agents[0]!;
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    throw new ConfigurationError(error.faults.map((fault) => ({ ...fault, ...agentPath(fault.path) })));
  }
}

function refuseSyntax(text: string): void {
  try {
    if (parseJsonDocument(text).kind === "object") return;
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    const reason = `not JSON: column ${error.column}: ${error.message}`;
    throw new ConfigurationError([{ line: error.line, reason, tag: "syntax" }]);
  }
  throw new ConfigurationError([{ reason: "an agent is a JSON object with id, tenant and capability", tag: "syntax" }]);
}

const agentPath = (path: string | undefined): { readonly path?: string } =>
  path === undefined ? {} : { path: path.replace("/semrd-router:router/semrd-agent:agents", "") };

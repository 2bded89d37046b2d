import { refuse } from "./problems.ts";

/** What an agent is called: a URI, as `agent-id` of the model has it, so that every face can show it. @see RFC 3986 §2 */
export const AGENT_ID = /^[a-zA-Z][a-zA-Z0-9+.-]*:[!-~]+$/;
export const AGENT_ID_OCTETS = 512;

const OF_A_TENANT = /^spiffe:\/\/[^/]*\/([^/]*)\/agent\//;

/**
 * An identity that names a tenant is one of that tenant, whoever signed for it: nobody takes another tenant's, and rules
 * for a tenant's identities hold.
 *
 * @throws {RegistrationError} registration.token-invalid, registration.agent-mismatch
 */
export function namedRightly(agent: string, tenant: string): void {
  // What stood in the body has been read as such; the subject of a token is whatever its issuer wrote.
  if (agent.length > AGENT_ID_OCTETS || !AGENT_ID.test(agent)) {
    const form = `a URI of at most ${AGENT_ID_OCTETS} octets, such as spiffe://example.net/acme/agent/ocr-a`;
    throw refuse("registration.token-invalid", `the token's subject is no agent ID: ${form}`);
  }
  const owner = OF_A_TENANT.exec(agent)?.[1];
  if (owner !== undefined && owner !== tenant) {
    const detail = `${agent} is an identity of the tenant ${owner}, and the token is one of the tenant ${tenant}`;
    throw refuse("registration.agent-mismatch", detail);
  }
}

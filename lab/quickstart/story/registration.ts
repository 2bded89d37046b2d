import type { StoryContext } from "./context.ts";
import type { Agent } from "./places.ts";

export interface RegistrationAttempt {
  readonly agent: Agent;
  /** Instead of what the agent offers. */
  readonly capability?: string;
  readonly token: string;
  readonly leaseSeconds?: number;
}

export interface RegistrationAnswer {
  readonly status: number;
  readonly milliseconds: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/**
 * Registers an agent at its nearest router, with curl from the agent's own node: over HTTPS, with a bearer token. Health
 * is checked often, so that the story need not wait long.
 */
export async function register(context: StoryContext, attempt: RegistrationAttempt): Promise<RegistrationAnswer> {
  const { agent, token } = attempt;
  const body = {
    agent: agent.id,
    lease: attempt.leaseSeconds ?? 3600,
    capabilities: [
      {
        name: attempt.capability ?? agent.capability,
        version: "1.0",
        endpoint: { address: agent.address, port: 8080 },
        weight: agent.weight,
        labels: ["eu"],
        "health-check": { type: "http", path: "/healthz", "interval-ms": 200, "timeout-ms": 200, fall: 2, rise: 1 },
      },
    ],
  };
  const began = performance.now();
  const done = await context.lab.exec(
    agent.name,
    [
      ...["curl", "--silent", "--show-error", "--max-time", "10", "--cacert", "/etc/semrd/ca.pem"],
      ...["--write-out", "\n%{http_code}", "--header", "Content-Type: application/json"],
      ...["--header", "@-", "--data", JSON.stringify(body), `https://[${agent.registrar}]:8443/v1/agents`],
    ],
    // The token comes in on standard input, so that no process list shows it.
    { stdin: `Authorization: Bearer ${token}\n`, signal: context.signal },
  );
  const at = done.stdout.lastIndexOf("\n");
  const text = done.stdout.slice(0, at);
  return {
    status: Number(done.stdout.slice(at + 1)) || 0,
    milliseconds: performance.now() - began,
    body: text.startsWith("{") ? JSON.parse(text) : { text: text || done.stderr.trim() },
  };
}

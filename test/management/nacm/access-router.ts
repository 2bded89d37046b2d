import { cheapHash } from "../cheap-password.ts";
import { ADDRESS, type GnmiRouter, PASSWORD, startGnmiRouter } from "../gnmi/gnmi-router.ts";
import { RawClient } from "../netconf/raw-client.ts";
import { stores } from "../stores.ts";
import { KEY, KEY_TEXT } from "./nodes.ts";
import { NACM, OTHER, OWN, USERS } from "./roles.ts";

const instance = { name: "/vision/ocr", "major-version": 1, address: "fd00:a::10", port: 8080, weight: 30 };

/** A router with NETCONF and gNMI, the users and rules of `roles.ts`, and something to read and change. */
export async function startAccessRouter(
  nacm: object = NACM,
): Promise<GnmiRouter & { netconf(user: string): Promise<RawClient> }> {
  const hash = cheapHash(PASSWORD);
  const router = await startGnmiRouter(
    {},
    {
      ...stores({ pairs: { server: ["server.pem", "server.key"] }, keys: { [KEY]: KEY_TEXT } }),
      "semrd-taxonomy:taxonomy": {
        revision: 1,
        capability: [
          { name: "/vision/ocr", "major-version": 1, description: "reads text", "service-port": 80 },
          { name: "/audio/speech", "major-version": 1, "service-port": 81 },
        ],
      },
      "semrd-telemetry:telemetry": { prometheus: { enabled: false }, "log-level": "debug" },
      "semrd-agent:agents": { agent: [OWN, OTHER].map((id) => ({ id, tenant: "acme", capability: [instance] })) },
    },
    {
      nacm,
      management: {
        "semrd-access:users": { user: USERS.map((name) => ({ name, "password-hash": hash })) },
        "semrd-netconf:netconf": { ssh: { listen: [{ address: ADDRESS, port: 830 }] } },
      },
    },
  );
  return Object.assign(router, {
    netconf: (username: string) => RawClient.open({ host: ADDRESS, port: 830, username, password: PASSWORD }),
  });
}

import { messageOf } from "../../base/index.ts";
import type { ConfigurationFault } from "./error.ts";
import type { Files } from "./files.ts";
import type { RouterConfiguration } from "./types.ts";

type Needed = readonly [place: string, file: string, what: string];

const PAIR = (
  place: string,
  { certificateFile, keyFile }: { readonly certificateFile: string; readonly keyFile: string },
): Needed[] => [
  [`${place}/certificate-file`, certificateFile, "certificate"],
  [`${place}/key-file`, keyFile, "key"],
];

const REGISTRATION = "/semrd-router:router/semrd-registration:registration";
const GRPC = "/semrd-router:router/management/semrd-grpc-server:grpc";
const NETCONF = "/semrd-router:router/management/semrd-netconf:netconf/tls";
const EXECUTOR = "/semrd-router:router/semrd-dataplane:dataplane/fib-service/tls";

/** What each section names; a section that is the same object is the same. */
const SECTIONS: readonly {
  readonly of: (configuration: RouterConfiguration) => object | undefined;
  readonly needs: (configuration: RouterConfiguration) => readonly Needed[];
}[] = [
  {
    of: ({ registration }) => registration,
    needs: ({ registration: { tls, issuers } }) => [
      ...(tls === undefined ? [] : PAIR(`${REGISTRATION}/tls`, tls)),
      ...issuers.map(
        ({ name, jwksFile }): Needed => [`${REGISTRATION}/issuer[name='${name}']/jwks-file`, jwksFile, "key set"],
      ),
    ],
  },
  {
    of: ({ management }) => management,
    needs: ({ management: { grpc, netconf } }) => [
      ...grpc.issuers.map(
        ({ name, jwksFile }): Needed => [`${GRPC}/token-issuer[name='${name}']/jwks-file`, jwksFile, "key set"],
      ),
      ...(grpc.tls === undefined ? [] : PAIR(`${GRPC}/tls`, grpc.tls)),
      ...(grpc.tls?.clientCaFile === undefined
        ? []
        : [[`${GRPC}/tls/client-ca-file`, grpc.tls.clientCaFile, "certificate"] as const]),
      ...(netconf.tls === undefined ? [] : PAIR(NETCONF, netconf.tls)),
      ...(netconf.tls === undefined
        ? []
        : [[`${NETCONF}/client-ca-file`, netconf.tls.clientCaFile, "certificate"] as const]),
    ],
  },
  {
    of: ({ dataplane }) => dataplane.executor,
    needs: ({ dataplane: { executor } }) =>
      executor?.tls === undefined
        ? []
        : [...PAIR(EXECUTOR, executor.tls), [`${EXECUTOR}/ca-file`, executor.tls.caFile, "certificate"]],
  },
];

/**
 * Files that the configuration names and that cannot be read: better refused at once than at the first connection.
 *
 * @param before only what differs from it is looked at: a file that has gone meanwhile is no reason to refuse another change
 */
export async function unreadableFiles(
  configuration: RouterConfiguration,
  files: Files,
  before?: RouterConfiguration,
): Promise<ConfigurationFault[]> {
  const needed = SECTIONS.flatMap(({ of, needs }) =>
    before !== undefined && of(before) === of(configuration) ? [] : needs(configuration),
  );
  const faults: ConfigurationFault[] = [];
  for (const [place, file, what] of needed) {
    try {
      await files.probe(file);
    } catch (cause) {
      const reason = `${unreadable(cause, what)} (${file})`;
      faults.push({ path: place, reason, tag: "unreadable" });
    }
  }
  return faults;
}

/** Why a file cannot be read, and what to do. */
export function unreadable(cause: unknown, what: string): string {
  const code = (cause as { code?: unknown }).code;
  if (code === "ENOENT") return `there is no such ${what}: check the path, or make the file`;
  if (code === "EACCES" || code === "EPERM")
    return `no permission to read the ${what}: check its owner and mode, and those of its folders`;
  if (code === "EISDIR") return `a folder, where a ${what} is expected`;
  return `the ${what} cannot be read: ${messageOf(cause)}`;
}

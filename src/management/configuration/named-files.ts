import { messageOf } from "../../base/index.ts";
import type { ConfigurationFault } from "./error.ts";
import type { Files } from "./files.ts";
import type { RouterConfiguration } from "./types.ts";

/** Files that the configuration names and that cannot be read: better refused at once than at the first connection. */
export async function unreadableFiles(configuration: RouterConfiguration, files: Files): Promise<ConfigurationFault[]> {
  const { tls, issuers } = configuration.registration;
  const grpc = configuration.management.grpc.tls;
  const grpcServer = "/semrd-router:router/management/semrd-grpc-server:grpc";
  const grpcTls = `${grpcServer}/tls`;
  const registration = "/semrd-router:router/semrd-registration:registration";
  const netconf = configuration.management.netconf.tls;
  const netconfTls = "/semrd-router:router/management/semrd-netconf:netconf/tls";
  const executor = configuration.dataplane.executor?.tls;
  const executorTls = "/semrd-router:router/semrd-dataplane:dataplane/fib-service/tls";
  const needed = [
    ...(tls === undefined ? [] : [[`${registration}/tls/certificate-file`, tls.certificateFile, "certificate"]]),
    ...(tls === undefined ? [] : [[`${registration}/tls/key-file`, tls.keyFile, "key"]]),
    ...issuers.map(({ name, jwksFile }) => [`${registration}/issuer[name='${name}']/jwks-file`, jwksFile, "key set"]),
    ...configuration.management.grpc.issuers.map(({ name, jwksFile }) => [
      ...[`${grpcServer}/token-issuer[name='${name}']/jwks-file`, jwksFile, "key set"],
    ]),
    ...(grpc === undefined ? [] : [[`${grpcTls}/certificate-file`, grpc.certificateFile, "certificate"]]),
    ...(grpc === undefined ? [] : [[`${grpcTls}/key-file`, grpc.keyFile, "key"]]),
    ...(grpc?.clientCaFile === undefined ? [] : [[`${grpcTls}/client-ca-file`, grpc.clientCaFile, "certificate"]]),
    ...(netconf === undefined ? [] : [[`${netconfTls}/certificate-file`, netconf.certificateFile, "certificate"]]),
    ...(netconf === undefined ? [] : [[`${netconfTls}/key-file`, netconf.keyFile, "key"]]),
    ...(netconf === undefined ? [] : [[`${netconfTls}/client-ca-file`, netconf.clientCaFile, "certificate"]]),
    ...(executor === undefined ? [] : [[`${executorTls}/certificate-file`, executor.certificateFile, "certificate"]]),
    ...(executor === undefined ? [] : [[`${executorTls}/key-file`, executor.keyFile, "key"]]),
    ...(executor === undefined ? [] : [[`${executorTls}/ca-file`, executor.caFile, "certificate"]]),
  ] as [string, string, string][];
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

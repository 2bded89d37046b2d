import type { YangError, YangFault } from "../../../native/api.ts";
import { isUntold, reasonOf, reasonOfSecret } from "../configuration/wording.ts";
import { type Answer, answered, type ManagementFault, refused } from "../datastore/index.ts";

function isYangError(error: unknown): error is YangError {
  return error instanceof Error && (error as Partial<YangError>).code === "EYANG";
}

/** What libyang refused, as a value; anything else is thrown on. */
export async function yangAnswer<T>(work: Promise<T>): Promise<Answer<T>> {
  try {
    return answered(await work);
  } catch (cause) {
    if (!isYangError(cause)) throw cause;
    return refused(...cause.faults.map(managementFault));
  }
}

function managementFault(said: YangFault): ManagementFault {
  const { errorTag, errorType, appTag, path, badElement, badAttribute, badNamespace } = said;
  const info = {
    ...(badElement === undefined ? {} : { badElement }),
    ...(badAttribute === undefined ? {} : { badAttribute }),
    ...(badNamespace === undefined ? {} : { badNamespace }),
  };
  const leaf = path === undefined ? "" : path.slice(path.lastIndexOf("/") + 1);
  return {
    errorType,
    errorTag,
    errorSeverity: "error",
    ...(appTag === undefined ? {} : { appTag }),
    ...(path === undefined ? {} : { path }),
    // What libyang says has the value in it.
    message: isUntold(leaf) ? reasonOfSecret(said.message, appTag, path) : reasonOf(said.message),
    ...(Object.keys(info).length === 0 ? {} : { info }),
  };
}

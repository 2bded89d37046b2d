import { type DeployOptions, deployLab, type Lab } from "./lab.ts";
import { destroyLab, hasRunner, LabInUse } from "./state.ts";

/** Deploys a lab; one of this name whose runner was killed is removed first, and `removed` told. */
export async function deployFresh(
  topology: string,
  options: DeployOptions & { readonly name: string },
  signal: AbortSignal,
  removed: () => void = () => {},
): Promise<Lab> {
  try {
    return await deployLab(topology, options, signal);
  } catch (cause) {
    if (!(cause instanceof LabInUse) || (await hasRunner(options.name))) throw cause;
    await destroyLab(options.name);
    removed();
    return await deployLab(topology, options, signal);
  }
}

import type { YangContext } from "../../../../native/index.ts";
import { content, faulty, OK } from "../reply.ts";
import type { Operation } from "./operation.ts";

/** Operations of our own modules, whose output is printed by the model. @see RFC 7950 §7.14.4, §7.15.2 */
export const calling =
  (context: YangContext): Operation =>
  async ({ management, session, request }) => {
    const { target, input } = request;
    const name = request.kind === "action" ? request.name : `${request.module}:${request.name}`;
    const answer = await management.call(session, { name, target, input });
    if (!answer.ok) return faulty(...answer.faults);
    if (Object.keys(answer.value).length === 0) return OK;
    return content(await context.printOutput(target, name, answer.value, "xml"));
  };

import { type ExecutorAddress, ExecutorChannel } from "./channel.ts";

/**
 * Looks whether sessions with this executor could be opened. Not whether it is there: one that is away gets its plan later.
 * @throws {Error} for certificates that cannot be used
 */
export async function probeFibService(executor: ExecutorAddress): Promise<void> {
  using _channel = await ExecutorChannel.open(executor);
}

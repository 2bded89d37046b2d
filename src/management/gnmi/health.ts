import { type ServerUnaryCall, type sendUnaryData, status, type UntypedServiceImplementation } from "@grpc/grpc-js";

/** Answers for the services that are there, and for the server itself (""); whoever can ask may know. @see grpc.health.v1 */
export const health = (services: readonly string[]): UntypedServiceImplementation => ({
  Check(call: ServerUnaryCall<{ readonly service: string }, object>, done: sendUnaryData<object>): void {
    const { service } = call.request;
    if (service === "" || services.includes(service)) done(null, { status: "SERVING" });
    else done({ code: status.NOT_FOUND, details: "there is no such service" });
  },
});

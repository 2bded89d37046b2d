import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import path from "node:path";
import { before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { ChannelCredentials, type ClientDuplexStream, loadPackageDefinition, Metadata, status } from "@grpc/grpc-js";
import fc from "fast-check";
import protobuf from "protobufjs";
import { loadProto } from "../../../src/management/gnmi/service.ts";
import { ADDRESS, type GnmiRouter, type Message, PASSWORD, PORT } from "./gnmi-router.ts";
import { framed, rawCall } from "./raw-call.ts";

const run = promisify(execFile);
const REFLECTED = fileURLToPath(new URL("./peers/reflected.py", import.meta.url));
/** Distributions install their Python modules for this one. */
const PYTHON = "/usr/bin/python3";
const INFO = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";

export const reflectionCases = (given: () => GnmiRouter): Promise<void> =>
  describe("gRPC server reflection", () => {
    let router: GnmiRouter;
    before(() => {
      router = given();
    });

    const login = new Metadata();
    login.set("username", "admin");
    login.set("password", PASSWORD);

    /** What requests on one stream are answered with. */
    const ask = async (requests: readonly object[], metadata = login): Promise<Message[]> => {
      const { grpc } = loadPackageDefinition(loadProto()) as Message;
      const { ServerReflection } = grpc.reflection.v1;
      const client = new ServerReflection(`${ADDRESS}:${PORT}`, ChannelCredentials.createSsl(router.ca));
      try {
        const call = client.ServerReflectionInfo(metadata, { deadline: Date.now() + 60_000 });
        const answers: Message[] = [];
        const { promise, resolve, reject } = Promise.withResolvers<void>();
        (call as ClientDuplexStream<object, Message>)
          .on("data", (answer: Message) => answers.push(answer))
          .on("end", resolve)
          .on("error", reject);
        for (const request of requests) call.write(request);
        call.end();
        await promise;
        return answers;
      } finally {
        client.close();
      }
    };
    const fileNames = ({ file_descriptor_response: files }: Message): string[] => {
      const root = protobuf.Root.fromJSON({ nested: { File: { fields: { name: { type: "string", id: 1 } } } } });
      const type = root.lookupType("File");
      return files.file_descriptor_proto.map(
        (octets: Buffer) => (type.decode(octets) as Message as { name: string }).name,
      );
    };

    it("grpcio with nothing but what the router says of itself", async (t) => {
      try {
        await run(PYTHON, ["-c", "import grpc, google.protobuf"]);
      } catch {
        t.skip("skipped: there is no python3-grpcio");
        return;
      }
      const args = ["-B", REFLECTED, `${ADDRESS}:${PORT}`, path.join(router.folder, "server.pem"), "admin", PASSWORD];
      const told = JSON.parse((await run(PYTHON, args, { timeout: 60_000 })).stdout);
      assert.ok(told.v1.includes("gnmi.gNMI"));
      assert.deepEqual(told.v1alpha, told.v1);
      assert.deepEqual(told.methods["gnmi.gNMI"], ["Capabilities", "Get", "Set", "Subscribe"]);
      assert.deepEqual(told.methods["grpc.health.v1.Health"], ["Check"]);
      assert.ok(told.files.includes("google/protobuf/descriptor.proto"));
      assert.equal(told.index, 1);
      assert.deepEqual(told.extension, "gnmi.proto");
      assert.ok(told.numbers.includes(1001));
      assert.deepEqual(told.errors, [
        [status.NOT_FOUND, "there is no nothing.at.All"],
        [status.NOT_FOUND, "there is no file no.proto"],
      ]);
    });

    it("a file comes with what it imports, and nothing of that twice", async () => {
      const symbols = [
        "gnmi.PathElem.key",
        "gnmi.SubscriptionList.Mode",
        "gnmi.SubscriptionList.ONCE",
        "gnmi.gNMI.Get",
      ];
      const answers = await ask(symbols.map((file_containing_symbol) => ({ file_containing_symbol })));
      const [first, ...others] = answers.map(fileNames);
      assert.equal(first![0], "gnmi.proto");
      assert.deepEqual([...first!].sort(), [
        "gnmi.proto",
        "gnmi_ext.proto",
        ...["any", "descriptor", "duration"].map((name) => `google/protobuf/${name}.proto`),
      ]);
      assert.deepEqual(others, [["gnmi.proto"], ["gnmi.proto"], ["gnmi.proto"]]);
      assert.deepEqual(answers[0].original_request.file_containing_symbol, symbols[0]);
    });

    it("tells nothing to whoever may not log in, and what is wrong to whoever asks for nothing", async () => {
      const stranger = new Metadata();
      await assert.rejects(ask([{ list_services: "" }], stranger), { code: status.UNAUTHENTICATED });
      const [answer] = await ask([{}]);
      assert.equal(answer.error_response.error_code, status.INVALID_ARGUMENT);
      const [long] = await ask([{ file_by_filename: "x".repeat(10_000) }]);
      assert.ok(long.error_response.error_message.length < 300);
    });

    it("a request cut off at each octet, or with a bit flipped, is answered or refused", async () => {
      const service = loadProto()["grpc.reflection.v1.ServerReflection"] as unknown as Record<
        string,
        { requestSerialize(value: object): Buffer }
      >;
      const extension = { containing_type: "google.protobuf.FileOptions", extension_number: 1001 };
      const message = service.ServerReflectionInfo!.requestSerialize({ file_containing_extension: extension });
      for (let length = 0; length < message.length; length += 3) {
        assert.notEqual(await rawCall(router, INFO, framed(message.subarray(0, length))), -1, `${length} octets`);
      }
      await fc.assert(
        fc.asyncProperty(fc.nat({ max: message.length * 8 - 1 }), async (bit) => {
          const flipped = Buffer.from(message);
          flipped[bit >> 3]! ^= 1 << (bit & 7);
          assert.notEqual(await rawCall(router, INFO, framed(flipped)), -1);
        }),
        { numRuns: 30 },
      );
      assert.equal((await ask([{ list_services: "" }])).length, 1);
    });
  });

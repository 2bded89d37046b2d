import { status } from "@grpc/grpc-js";
import type { DescribedFile, Descriptions } from "./descriptors.ts";

export interface ReflectionRequest {
  readonly host: string;
  readonly message_request?:
    | "file_by_filename"
    | "file_containing_symbol"
    | "file_containing_extension"
    | "all_extension_numbers_of_type"
    | "list_services";
  readonly file_by_filename?: string;
  readonly file_containing_symbol?: string;
  readonly file_containing_extension?: { readonly containing_type: string; readonly extension_number: number };
  readonly all_extension_numbers_of_type?: string;
  readonly list_services?: string;
}

/** Names of requests are told back up to here: they are as long as a client likes. */
const LONGEST_TOLD = 200;

/** What the requests of one stream are answered with: files that it was sent already are left out. @see gRPC server reflection protocol */
export class ReflectionAnswers {
  readonly #descriptions: Descriptions;
  readonly #services: readonly string[];
  readonly #sent = new Set<string>();

  /** `services`: full names of those that are served. */
  constructor(descriptions: Descriptions, services: readonly string[]) {
    this.#descriptions = descriptions;
    this.#services = services;
  }

  /** A ServerReflectionResponse. */
  to(request: ReflectionRequest): object {
    return { valid_host: request.host, original_request: request, ...this.#content(request) };
  }

  #content(request: ReflectionRequest): object {
    const { files, symbols, extensions } = this.#descriptions;
    switch (request.message_request) {
      case "file_by_filename":
        return this.#file(request.file_by_filename, `there is no file ${told(request.file_by_filename)}`);
      case "file_containing_symbol": {
        const symbol = request.file_containing_symbol!;
        return this.#file(symbols.get(symbol), `there is no ${told(symbol)}`);
      }
      case "file_containing_extension": {
        const { containing_type: type, extension_number: number } = request.file_containing_extension!;
        return this.#file(extensions.get(type)?.get(number), `${told(type)} has no extension ${number}`);
      }
      case "all_extension_numbers_of_type": {
        const type = request.all_extension_numbers_of_type!;
        if (!symbols.has(type)) return refusal(status.NOT_FOUND, `there is no ${told(type)}`);
        const numbers = [...(extensions.get(type)?.keys() ?? [])];
        return { all_extension_numbers_response: { base_type_name: type, extension_number: numbers } };
      }
      case "list_services":
        return { list_services_response: { service: this.#services.map((name) => ({ name })) } };
      default:
        return refusal(status.INVALID_ARGUMENT, `the request says not what to describe; there are ${files.size} files`);
    }
  }

  #file(name: string | undefined, missing: string): object {
    const file = name === undefined ? undefined : this.#descriptions.files.get(name);
    if (file === undefined) return refusal(status.NOT_FOUND, missing);
    const wanted = new Set<DescribedFile>();
    this.#withImports(file, wanted);
    // What was asked for comes first, and always.
    const rest = [...wanted].filter((one) => one !== file && !this.#sent.has(one.name));
    for (const one of [file, ...rest]) this.#sent.add(one.name);
    const octets = [file, ...rest].map((one) => one.octets);
    return { file_descriptor_response: { file_descriptor_proto: octets } };
  }

  #withImports(file: DescribedFile, into: Set<DescribedFile>): void {
    if (into.has(file)) return;
    into.add(file);
    for (const name of file.imports) this.#withImports(this.#descriptions.files.get(name)!, into);
  }
}

const told = (name = ""): string => (name.length > LONGEST_TOLD ? `${name.slice(0, LONGEST_TOLD)}…` : name);

const refusal = (code: status, message: string): object => ({
  error_response: { error_code: code, error_message: message },
});

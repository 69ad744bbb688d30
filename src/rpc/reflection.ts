import { clone, toBinary } from '@bufbuild/protobuf';
import type { DescFile, DescMessage, Message } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { Code } from '../gen/google/rpc/code_pb.js';
import { ServerReflection } from '../gen/grpc/reflection/v1/reflection_pb.js';
import type { ServerReflectionResponse } from '../gen/grpc/reflection/v1/reflection_pb.js';
import { ServerReflection as ServerReflectionAlpha } from '../gen/grpc/reflection/v1alpha/reflection_pb.js';
import type { ServerReflectionResponse as AlphaResponse } from '../gen/grpc/reflection/v1alpha/reflection_pb.js';
import type { BidiStream, MountedService } from './method.js';
import { mountedService } from './method.js';
import { rejectShutdown } from './status.js';

type ResponseCase = ServerReflectionResponse['messageResponse'];

/** The part of a request that both versions of the protocol have. */
interface Question {
  readonly messageRequest:
    | { readonly case: 'fileByFilename' | 'fileContainingSymbol'; readonly value: string }
    | { readonly case: string | undefined };
}

/**
 * Reflection, v1 and v1alpha, of exactly the methods that are mounted: a method that is not served
 * is not shown, a service that is not mounted does not exist.
 */
export function reflectionServices(mounted: readonly MountedService[]): readonly MountedService[] {
  // The reflection services show themselves too, with all they have.
  const themselves = [ServerReflection, ServerReflectionAlpha].map((desc) => ({
    desc,
    methods: desc.methods.map((method) => ({ desc: method })),
  }));
  const shown = [...mounted, ...themselves];
  const index = indexOf(shown);
  const services = shown.map(({ desc }) => desc.typeName).sort();
  const answer = ({ messageRequest }: Question): ResponseCase => {
    switch (messageRequest.case) {
      case 'listServices':
        return {
          case: 'listServicesResponse',
          value: {
            $typeName: 'grpc.reflection.v1.ListServiceResponse',
            service: services.map((name) => ({
              $typeName: 'grpc.reflection.v1.ServiceResponse',
              name,
            })),
          },
        };
      case 'fileByFilename':
        return found(index.byName(valueOf(messageRequest)));
      case 'fileContainingSymbol':
        return found(index.bySymbol(valueOf(messageRequest)));
      case undefined:
      default:
        return error(Code.UNIMPLEMENTED, 'Only files and services can be asked for');
    }
  };
  return [
    mountedService(ServerReflection, {
      serverReflectionInfo: (stream) =>
        serve(stream, (request): ServerReflectionResponse => ({
          $typeName: 'grpc.reflection.v1.ServerReflectionResponse',
          validHost: request.host,
          originalRequest: request,
          messageResponse: answer(request),
        })),
    }),
    mountedService(ServerReflectionAlpha, {
      serverReflectionInfo: (stream) =>
        serve(stream, (request): AlphaResponse => ({
          $typeName: 'grpc.reflection.v1alpha.ServerReflectionResponse',
          validHost: request.host,
          originalRequest: request,
          // The two versions differ in the names of their packages only.
          messageResponse: renamed(answer(request)) as never,
        })),
    }),
  ];
}

/** Answers message by message; a peer that does not read is not read either. */
function serve<I, O extends Message>(stream: BidiStream<I, O>, answer: (request: I) => O): void {
  stream.listen({
    message: (request) => {
      if (!stream.write(answer(request))) stream.pause();
    },
    drained: () => stream.resume(),
    end: () => stream.end(),
    gone: () => undefined,
    closing: () => stream.end(rejectShutdown()),
  });
}

function renamed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(renamed);
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, part]) => [
      key,
      key === '$typeName' ? String(part).replace('.v1.', '.v1alpha.') : renamed(part),
    ]),
  );
}

function valueOf(request: Question['messageRequest']): string {
  return 'value' in request ? request.value : '';
}

function found(files: readonly Uint8Array[] | undefined): ResponseCase {
  if (files === undefined) return error(Code.NOT_FOUND, 'No such file or symbol is served here');
  return {
    case: 'fileDescriptorResponse',
    value: {
      $typeName: 'grpc.reflection.v1.FileDescriptorResponse',
      fileDescriptorProto: [...files],
    },
  };
}

function error(errorCode: number, errorMessage: string): ResponseCase {
  return {
    case: 'errorResponse',
    value: { $typeName: 'grpc.reflection.v1.ErrorResponse', errorCode, errorMessage },
  };
}

interface Shown {
  readonly desc: MountedService['desc'];
  readonly methods: readonly { readonly desc: MountedService['desc']['methods'][number] }[];
}

/** Finds a file by its name or by a symbol in it, and serializes it with its dependencies. */
interface Index {
  byName(name: string): readonly Uint8Array[] | undefined;
  bySymbol(symbol: string): readonly Uint8Array[] | undefined;
}

/**
 * Most sidecars are never asked, and serializing all files took a seventh of a start: each is serialized
 * when it is first asked for.
 */
function indexOf(shown: readonly Shown[]): Index {
  const methods = new Map(
    shown.map(({ desc, methods: of }) => [
      desc.typeName,
      new Set(of.map((method) => method.desc.name)),
    ]),
  );
  const serialized = new Map<DescFile, Uint8Array>();
  const withDependencies = (file: DescFile): readonly Uint8Array[] =>
    [...closureOf(file)].map((part) => {
      const bytes = serialized.get(part) ?? serialize(part, methods);
      serialized.set(part, bytes);
      return bytes;
    });
  let known: Known | undefined;
  const files = (): Known => (known ??= knownFiles(shown, methods));
  const answer = (file: DescFile | undefined) => file && withDependencies(file);
  return {
    byName: (name) => answer(files().byName.get(name)),
    bySymbol: (symbol) => answer(files().bySymbol.get(symbol)),
  };
}

interface Known {
  readonly byName: ReadonlyMap<string, DescFile>;
  readonly bySymbol: ReadonlyMap<string, DescFile>;
}

/** The files of what is shown and all that they import. */
function knownFiles(
  shown: readonly Shown[],
  methods: ReadonlyMap<string, ReadonlySet<string>>,
): Known {
  const byName = new Map<string, DescFile>();
  const bySymbol = new Map<string, DescFile>();
  for (const { desc } of shown) {
    for (const file of closureOf(desc.file)) {
      byName.set(nameOf(file), file);
      for (const symbol of symbolsOf(file, methods)) bySymbol.set(symbol, file);
    }
  }
  return { byName, bySymbol };
}

/** protobuf-es names files without their ending. */
function nameOf(file: DescFile): string {
  return file.proto.name;
}

/** The file and all it imports, itself first. */
function closureOf(file: DescFile, seen = new Set<DescFile>()): Set<DescFile> {
  if (seen.has(file)) return seen;
  seen.add(file);
  for (const dependency of file.dependencies) closureOf(dependency, seen);
  return seen;
}

function serialize(file: DescFile, methods: ReadonlyMap<string, ReadonlySet<string>>): Uint8Array {
  if (file.services.length === 0) return toBinary(FileDescriptorProtoSchema, file.proto);
  const proto = clone(FileDescriptorProtoSchema, file.proto);
  proto.service = proto.service.flatMap((service) => {
    const served = methods.get(`${proto.package}.${service.name}`);
    if (served === undefined) return [];
    service.method = service.method.filter(({ name }) => served.has(name));
    return [service];
  });
  return toBinary(FileDescriptorProtoSchema, proto);
}

function symbolsOf(
  file: DescFile,
  methods: ReadonlyMap<string, ReadonlySet<string>>,
): readonly string[] {
  const services = file.services.flatMap(({ typeName }) => {
    const served = methods.get(typeName);
    return served === undefined ? [] : [typeName, ...[...served].map((m) => `${typeName}.${m}`)];
  });
  const enums = file.enums.map(({ typeName }) => typeName);
  return [...services, ...enums, ...file.messages.flatMap(messageSymbols)];
}

function messageSymbols(message: DescMessage): readonly string[] {
  return [
    message.typeName,
    ...message.nestedEnums.map(({ typeName }) => typeName),
    ...message.nestedMessages.flatMap(messageSymbols),
  ];
}

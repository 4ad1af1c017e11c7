import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { temporaryDirectory } from '../../../support/servers.ts';

/** Python of Debian, which finds grpc_tools of Debian. Another one may be first on the PATH. */
const PYTHON = '/usr/bin/python3';

const protos = (await readdir('proto', { recursive: true })).filter((path) => path.endsWith('.proto')).sort();

let folder: Awaited<ReturnType<typeof temporaryDirectory>>;

beforeAll(async () => {
  folder = await temporaryDirectory();
});

afterAll(() => folder.remove());

/** Runs a compiler on all protos, which must not write to stderr, and returns the generated files. */
async function compile(command: string[], ...outputs: string[]): Promise<string[]> {
  const target = join(folder.path, outputs.join('-'));
  await mkdir(target);
  const flags = outputs.map((output) => `--${output}_out=${target}`);
  const [program = '', ...args] = command;
  const { stdout, stderr } = await promisify(execFile)(program, [...args, '-Iproto', ...flags, ...protos]);
  expect(stdout + stderr).toBe('');
  const files = await readdir(target, { recursive: true, withFileTypes: true });
  return files.filter((each) => each.isFile()).map((each) => join(each.parentPath, each.name));
}

/** The packages, namespaces or modules that generated files declare. */
async function declaredIn(files: string[], declaration: RegExp): Promise<string[]> {
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8')));
  return [
    ...new Set(
      texts.flatMap((text) => [...text.matchAll(declaration)].map(([, ...names]) => names.join(''))),
    ),
  ].sort();
}

test('the protos are those of both services', () => {
  expect(protos).toEqual(['imstate/v1/presence.proto', 'pb/user_status.proto']);
});

test('protoc-gen-go and protoc-gen-go-grpc compile the protos without flags', async () => {
  const files = await compile(['protoc'], 'go', 'go-grpc');
  expect(await declaredIn(files, /^package (.*)$/gm)).toEqual(['imstatev1', 'pb']);
  expect(files.map((file) => file.split('/').slice(-2).join('/')).sort()).toEqual([
    'pb/user_status.pb.go',
    'pb/user_status_grpc.pb.go',
    'v1/presence.pb.go',
    'v1/presence_grpc.pb.go',
  ]);
});

test('protoc writes each message to its own Java file', async () => {
  const files = await compile(['protoc'], 'java');
  expect(await declaredIn(files, /^package (.*);$/gm)).toEqual(['com.imstate.pb', 'com.imstate.v1']);
  const names = files.map((file) => file.split('/').at(-1));
  expect(names).toEqual(expect.arrayContaining(['OnlineRequest.java', 'PresenceProto.java']));
});

test.each([
  ['csharp', /^namespace (.*) \{$/gm, ['Imstate.Pb', 'Imstate.V1']],
  ['ruby', /^module (.*)$|^ {2}module (.*)$/gm, ['Imstate', 'Pb', 'V1']],
  [
    'php',
    /^namespace (.*);$/gm,
    ['GPBMetadata\\Imstate\\V1', 'GPBMetadata\\Pb', 'Imstate\\Pb', 'Imstate\\V1'],
  ],
])('protoc writes %s in a package of the project', async (language, declaration, expected) => {
  expect(await declaredIn(await compile(['protoc'], language), declaration)).toEqual(expected);
});

test("Python's grpcio-tools compile the protos, and Python imports the result", async () => {
  await compile([PYTHON, '-m', 'grpc_tools.protoc'], 'python', 'grpc_python');
  const program = [
    'from imstate.v1 import presence_pb2, presence_pb2_grpc',
    'from pb import user_status_pb2, user_status_pb2_grpc',
    'print(presence_pb2.OnlineRequest.DESCRIPTOR.full_name, user_status_pb2.OnlineRequest.DESCRIPTOR.full_name)',
    'print(presence_pb2_grpc.PresenceServiceStub.__name__, user_status_pb2_grpc.UserStatusStub.__name__)',
  ].join('\n');
  const { stdout } = await promisify(execFile)(PYTHON, ['-c', program], {
    cwd: join(folder.path, 'python-grpc_python'),
  });
  expect(stdout.trim().split('\n')).toEqual([
    'imstate.v1.OnlineRequest pb.OnlineRequest',
    'PresenceServiceStub UserStatusStub',
  ]);
});

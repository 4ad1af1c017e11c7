import fc from 'fast-check';
import { type ErrorCode, errorTable } from '../../packages/client/src/shared/errors.ts';
import { runCli } from '../support/runCli.ts';
import { mutated } from './messages.ts';

const LONGEST = 1024 * 1024;

const usual = {
  userId: fc.constantFrom('alice', 'bob', 'carol', '用户'),
  deviceId: fc.constantFrom('phone', 'web'),
  serverAddr: fc.constantFrom('10.0.0.1:9000', '[::1]:9000'),
  sessionId: fc.constantFrom('s1', 's2', 's3'),
  platform: fc.constantFrom('ios', 'web'),
  ttl: fc.constantFrom('1s', '500ms', '30d', '31d', '1', 's', '1e9s', '99999999999999999999d', '1.5s'),
  metadata: fc.dictionary(fc.string({ maxLength: 5 }), fc.string({ maxLength: 5 }), { maxKeys: 40 }),
  policy: fc.constantFrom('keep-all', 'replace-same-platform', 'replace-all', 'REPLACE_ALL'),
  serverIncarnation: fc.oneof(fc.integer(), fc.constantFrom(0, 1, 2 ** 48 - 1, 2 ** 48, 1.5)),
};
const anything = fc.anything({ maxDepth: 3, withNullPrototype: false });
/** A record in which some keys are missing or have arbitrary values. */
const records = fc.record(
  Object.fromEntries(
    Object.entries(usual).map(([key, value]) => [
      key,
      fc.oneof({ weight: 12, arbitrary: value as fc.Arbitrary<unknown> }, { weight: 1, arbitrary: anything }),
    ]),
  ),
  { requiredKeys: ['userId', 'deviceId'] },
);
const json = records.map((record) => Buffer.from(JSON.stringify(record) ?? 'null'));
const ODD_LINES = [
  ...[
    '',
    ' ',
    '\t',
    '\r',
    'null',
    '[]',
    '0',
    '"x"',
    '{}',
    '{',
    '}',
    '\ufeff{}',
    '{"userId":"a","userId":"b","deviceId":"c"}',
  ],
  ...[
    '{"__proto__":{"userId":"a"}}',
    '{"constructor":1}',
    '{"userId":"\\ud800","deviceId":"d"}',
    '{"toString":"x"}',
  ],
  ...[
    '{"userId":"a\\u0000b","deviceId":"d"}',
    '[['.repeat(20_000),
    '{"a":'.repeat(5_000),
    `{"userId":"${'x'.repeat(300)}"}`,
  ],
  ...[
    '{"userId":"a\u2028b","deviceId":"d","serverAddr":"h:1"}',
    '{"serverIncarnation":1e400}',
    '-',
    '1e400',
    'x'.repeat(70_000),
  ],
];

/** The output of `online --file --json` for a record. */
interface Answer {
  line: number;
  error?: { code: ErrorCode; message: string };
  endReason?: string | null;
}

/** Codes with which a record may fail. */
const EXPECTED: ErrorCode[] = ['INVALID_ARGUMENT', 'WRONG_USAGE', 'SUPERSEDED'];

/** A line of `online --file`: mostly a record with an invalid part. */
export const lines: fc.Arbitrary<Buffer> = fc
  .oneof(
    { weight: 8, arbitrary: json },
    { weight: 4, arbitrary: mutated(json) },
    { weight: 1, arbitrary: fc.json().map((text) => Buffer.from(text)) },
    { weight: 1, arbitrary: fc.constantFrom(...ODD_LINES).map((text) => Buffer.from(text)) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 50 }).map((bytes) => Buffer.from(bytes)) },
  )
  .map((line) => Buffer.from(line.map((byte) => (byte === 0x0a ? 0x20 : byte))));

/** Runs `online --file` on a file of these lines; describes what is wrong with the results. */
export async function faultsOfRecords(file: string, some: Buffer[], addr: string): Promise<string[]> {
  const { stdout, stderr, exitCode } = await runCli(['online', '--file', file, '--json'], {
    IMSTATE_ENDPOINT: addr,
    IMSTATE_TIMEOUT: '30s',
    IMSTATE_SERVER_ADDR: '10.0.0.3:9000',
  });
  const answers: Answer[] = stdout.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)]));
  const numbers = some.flatMap((line, i) => (isBlank(line) ? [] : [i + 1]));
  const wrong = answers.filter(
    ({ error }) => error && (!EXPECTED.includes(error.code) || /\n/.test(error.message)),
  );
  const greatest = Math.max(0, ...answers.map(exitCodeOf));
  return [
    ...(String(answers.map(({ line }) => line)) === String(numbers)
      ? []
      : ['not one result per record, in order']),
    ...wrong.map((answer) => `${JSON.stringify(answer)} to ${some[answer.line - 1]?.toString('base64')}`),
    ...(stderr.trimEnd().split('\n').length === 1 ? [] : [`not one line on stderr: ${stderr}`]),
    ...(exitCode === greatest
      ? []
      : [`exit code ${exitCode}, and the greatest of the records' is ${greatest}`]),
  ];
}

function exitCodeOf({ error, endReason }: Answer): number {
  if (error) return errorTable[error.code].exitCode;
  return endReason ? 1 : 0;
}

function isBlank(line: Buffer): boolean {
  if (line.length > LONGEST) return false;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(line).trim() === '';
  } catch {
    return false;
  }
}

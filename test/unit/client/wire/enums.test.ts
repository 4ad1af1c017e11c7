import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  auditOutcomes,
  auditVias,
  endReasons,
  identityKinds,
  leaseStates,
  loginPolicies,
  policyConflicts,
  policyScopes,
  relayStates,
} from '../../../../packages/client/src/wire/enums.ts';

const PROTO = readFileSync(new URL('../../../../proto/imstate/v1/presence.proto', import.meta.url), 'utf8');
const ENUMS = {
  EndReason: endReasons,
  LoginPolicy: loginPolicies,
  PolicyScope: policyScopes,
  PolicyConflict: policyConflicts,
  LeaseState: leaseStates,
  AuditOutcome: auditOutcomes,
  AuditVia: auditVias,
  IdentityKind: identityKinds,
  RelayState: relayStates,
};

/** Words of an enum of the proto, without its prefix, by their numbers. */
function valuesOf(name: string): [string, number][] {
  const body = new RegExp(`^enum ${name} \\{([^}]*)\\}`, 'm').exec(PROTO)?.[1] ?? '';
  const prefix = `${name.replaceAll(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase()}_`;
  const values = [...body.matchAll(/^ +([A-Z_]+) = (\d+);$/gm)];
  return values.map(([, word = '', wire]) => [word.replace(prefix, ''), Number(wire)]);
}

test('each enum of the proto is validated', () => {
  const names = [...PROTO.matchAll(/^enum (\w+)/gm)].map(([, name]) => name);
  expect(names.sort()).toEqual(Object.keys(ENUMS).sort());
});

describe.each(Object.entries(ENUMS))('%s', (name, wireEnum) => {
  const words = valuesOf(name).filter(([, wire]) => wire !== 0);

  test('reads and writes each value of the proto', () => {
    expect(words.length).toBeGreaterThan(2);
    for (const [word, wire] of words) {
      expect(wireEnum.fromWire(wire)).toBe(word);
      expect(wireEnum.toWire(wireEnum.parse('field', word) as never)).toBe(wire);
    }
    expect(wireEnum.fromWire(0)).toBeUndefined();
  });

  test.each([9, -1, 2 ** 31 - 1, -(2 ** 31)])('reads %i as UNKNOWN, not as none', (wire) => {
    expect(wireEnum.fromWire(wire)).toBe('UNKNOWN');
  });

  test('accepts both spellings of each word', () => {
    for (const [word] of words) {
      const kebab = word.toLowerCase().replaceAll('_', '-');
      expect(wireEnum.parse('field', kebab)).toBe(word);
      expect(wireEnum.spellings).toEqual(expect.arrayContaining([word, kebab]));
    }
  });

  test.each(['', 'other', 'UNKNOWN', 'constructor', 'Keep-All', 'REPLACE-ALL', 'keep_all', 2, null, true])(
    'refuses %j',
    (given) => {
      expect(() => wireEnum.parse('field', given)).toThrow(/^field must be one of [a-z-]+, .*; this one is /);
    },
  );
});

import { expect, test } from 'vitest';
import { makeRecordId } from '../../../../src/daemon/audit/recordId.ts';

test('makes UUIDs of version 7, in the order of time', () => {
  const ids = [1_000, 1_700_000_000_000, 1_700_000_000_001].map(makeRecordId);
  for (const id of ids)
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect([...ids].sort()).toEqual(ids);
  expect(makeRecordId(1)).not.toBe(makeRecordId(1));
});

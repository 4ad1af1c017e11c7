import { describe, expect, test } from 'vitest';
import { type AuditRecord, MAX_AUDIT_PAGE, type StoredAuditRecord } from '../../../../src/presence/audit.ts';
import { auditRecord } from '../../../support/auditRecord.ts';
import { eachWithStore, type Fixture, type MakeStore, START } from './underTest.ts';

const LIMIT = 300;
let made = 0;

/** A record with an ID of its own. */
function record(changes: Partial<AuditRecord> = {}): AuditRecord {
  made += 1;
  return auditRecord({ id: `id-${made}`, ...changes });
}

/** The trail of administrators. */
export function describeAudit(name: string, makeStore: MakeStore): void {
  describe(`${name}: audit`, () => {
    const on = eachWithStore(makeStore, { auditLimit: LIMIT });

    test('keeps records with the time of the store, the newest first', async () => {
      const first = record({ target: { type: 'session', userId: 'älice"', deviceId: 'x', sessionId: 's' } });
      const second = record({ outcome: 'DENIED', code: 'PERMISSION_DENIED', omitted: 7 });
      await on.store.recordAudit(first);
      await on.pass(1_000);
      await on.store.recordAudit(second);
      expect(await on.store.listAudit({ limit: 10, after: undefined })).toEqual([
        { number: 2, timeMs: START + 1_000, ...second },
        { number: 1, timeMs: START, ...first },
      ]);
      await on.underTest.reopen();
      expect(await on.store.listAudit({ limit: 1, after: undefined })).toMatchObject([{ id: second.id }]);
    });

    test('keeps as many as the limit, the last recorded', async () => {
      const ids = await recordMany(on, LIMIT + 50);
      expect((await listAll(on, 64)).map(({ id }) => id)).toEqual(ids.slice(50).reverse());
    });

    test('lists each record once page by page while others are added', async () => {
      const ids = await recordMany(on, 200);
      const listed = await listAll(on, 30, async () => {
        await on.store.recordAudit(record({ action: 'later' }));
      });
      expect(listed.map(({ id }) => id)).toEqual(ids.reverse());
    });

    test('ends a listing whose last record was removed', async () => {
      await recordMany(on, 20);
      const [, oldest] = await on.store.listAudit({ limit: 20, after: undefined });
      await recordMany(on, LIMIT);
      expect(await on.store.listAudit({ limit: 5, after: oldest })).toEqual([]);
      expect(await on.store.listAudit({ limit: 5, after: { number: 3, id: 'another' } })).toEqual([]);
      expect(await on.store.listAudit({ limit: 5, after: { number: 10_000, id: 'later' } })).toEqual([]);
    });

    test('adds concurrent records all', async () => {
      const all = Array.from({ length: 50 }, () => record());
      await Promise.all(all.map((each) => on.store.recordAudit(each)));
      const listed = await on.store.listAudit({ limit: 100, after: undefined });
      expect(new Set(listed.map(({ id }) => id))).toEqual(new Set(all.map(({ id }) => id)));
      expect(listed.map(({ number }) => number)).toEqual(listed.map((_, i) => 50 - i));
    });

    test('replaces a user by a pseudonym in every record about them, and changes no other record', async () => {
      await on.store.recordAudit(
        record({ target: { type: 'device', userId: 'alice', deviceId: 'alice-phone' } }),
      );
      await recordMany(on, MAX_AUDIT_PAGE, { target: { type: 'user', userId: 'bob' } });
      await on.store.recordAudit(
        record({ target: { type: 'server', serverAddr: 'a:1' }, detail: 'asked by alice.' }),
      );
      await on.store.recordAudit(record({ target: { type: 'user', userId: 'alice2' } }));
      await on.store.recordAudit(record());
      const before = await listAll(on, 100);
      expect(await on.store.eraseFromAudit('alice', 'erased-1')).toBe(2);
      const after = await listAll(on, 100);
      expect(after.map(({ number, id, timeMs }) => [number, id, timeMs])).toEqual(
        before.map(({ number, id, timeMs }) => [number, id, timeMs]),
      );
      expect(after.at(0)?.target).toEqual({ type: 'user', userId: 'erased-1' });
      expect(after.at(1)?.target).toEqual({ type: 'user', userId: 'alice2' });
      expect(after.at(2)?.detail).toBe('asked by alice.');
      expect(after.at(-1)?.target).toEqual({ type: 'device', userId: 'erased-1' });
      expect(await on.store.eraseFromAudit('alice', 'erased-2')).toBe(0);
    });
  });

  describe(`${name}: audit with a limit of 0`, () => {
    const on = eachWithStore(makeStore, { auditLimit: 0 });

    test('keeps no record', async () => {
      await recordMany(on, 3);
      expect(await on.store.listAudit({ limit: 10, after: undefined })).toEqual([]);
    });
  });
}

async function recordMany(on: Fixture, count: number, changes: Partial<AuditRecord> = {}): Promise<string[]> {
  const ids: string[] = [];
  for (let i = 0; i < count; i++) {
    const each = record(changes);
    ids.push(each.id);
    await on.store.recordAudit(each);
  }
  return ids;
}

async function listAll(
  on: Fixture,
  limit: number,
  between: () => Promise<void> = async () => {},
): Promise<StoredAuditRecord[]> {
  const found: StoredAuditRecord[] = [];
  for (;;) {
    const page = await on.store.listAudit({ limit, after: found.at(-1) });
    if (page.length === 0) return found;
    found.push(...page);
    await between();
  }
}

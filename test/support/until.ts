import { setTimeout as delay } from 'node:timers/promises';

/** Waits until `probe` returns something truthy, and returns it; times out later than any machine needs. */
export async function until<T>(probe: () => T | Promise<T>, what: string): Promise<NonNullable<T>> {
  const giveUpAt = Date.now() + 50_000;
  for (;;) {
    const value = await probe();
    if (value) return value;
    if (Date.now() > giveUpAt) throw new Error(`waited in vain until ${what}`);
    await delay(20);
  }
}

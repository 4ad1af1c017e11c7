const STEPS: [unit: string, seconds: number][] = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
];

/** A time relative to `now`: "3 minutes ago". The words are those of Intl, which takes 10 ms to load. */
export function relativeTime(time: Date, now = new Date()): string {
  const seconds = Math.round((time.getTime() - now.getTime()) / 1_000);
  const [unit, size] = STEPS.find(([, step]) => Math.abs(seconds) >= step) ?? ['second', 1];
  const count = Math.trunc(Math.abs(seconds) / size);
  if (count === 0) return 'now';
  if (unit === 'day' && count === 1) return seconds < 0 ? 'yesterday' : 'tomorrow';
  const amount = `${count < 1_000 ? count : count.toLocaleString('en')} ${unit}${count === 1 ? '' : 's'}`;
  return seconds < 0 ? `${amount} ago` : `in ${amount}`;
}

/** A time as "2026-11-23 06:01:48Z". */
export function absoluteTime(time: Date): string {
  return `${time.toISOString().slice(0, 19).replace('T', ' ')}Z`;
}

/** The word that was probably meant, if any is near enough. */
export function nearest(word: string, words: readonly string[]): string | undefined {
  const bare = plain(word);
  const ranked = words
    .map((candidate) => ({ candidate, distance: distanceOf(bare, plain(candidate)) }))
    .sort((a, b) => a.distance - b.distance);
  const [best] = ranked;
  const max = Math.min(Math.max(2, bare.length / 3), bare.length - 1);
  if (best !== undefined && best.distance <= max) return best.candidate;
  return words.find((candidate) => candidate.startsWith(`${word}-`));
}

/** leaseTtl, lease_ttl and LEASE-TTL are all meant to be lease-ttl. */
function plain(word: string): string {
  return word.toLowerCase().replace(/[^a-z0-9]/g, '');
}

/** How many letters must be put in, taken out or changed (Levenshtein). */
function distanceOf(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1];
    for (let j = 1; j <= b.length; j++) {
      const changed = (row[j - 1] as number) + (b[j - 1] === letter ? 0 : 1);
      next.push(Math.min(changed, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
}

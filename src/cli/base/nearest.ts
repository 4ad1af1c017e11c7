const MAX_SUGGESTIONS = 3;

/** The word that was probably meant; undefined if none is similar. */
export function nearest(word: string, words: readonly string[]): string | undefined {
  const [best] = ranked(word, words);
  return best?.candidate ?? words.find((candidate) => candidate.startsWith(`${word}-`));
}

/**
 * The words that may have been meant, best first: those that begin with `word`, or else the most similar
 * ones.
 */
export function nearestOnes(word: string, words: readonly string[]): string[] {
  const begun = word === '' ? [] : words.filter((candidate) => candidate.startsWith(word));
  const near = ranked(word, words);
  const close = near
    .filter(({ distance }) => distance === near[0]?.distance)
    .map(({ candidate }) => candidate);
  return (begun.length > 0 ? begun : close).slice(0, MAX_SUGGESTIONS);
}

/** The words that are a few typing errors away from `word`, nearest first. */
function ranked(word: string, words: readonly string[]) {
  const bare = plain(word);
  const max = Math.min(Math.max(2, bare.length / 3), bare.length - 1);
  return words
    .map((candidate) => ({ candidate, distance: distanceOf(bare, plain(candidate)) }))
    .filter(({ distance }) => distance <= max)
    .sort((a, b) => a.distance - b.distance);
}

/** leaseTtl, lease_ttl and LEASE-TTL all mean lease-ttl. */
function plain(word: string): string {
  return word.toLowerCase().replace(/[^a-z0-9]/g, '');
}

/** How many letters must be inserted, deleted or replaced (Levenshtein distance). */
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

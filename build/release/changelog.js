// Reads and updates CHANGELOG.md, which has the format of keepachangelog.com, for a release.

const UNRELEASED = /^## \[Unreleased\]\n([\s\S]*?)(?=^## |(?![\s\S]))/m;
const SECTIONS = ['Added', 'Changed', 'Deprecated', 'Removed', 'Fixed', 'Security'];

/** The notes of the next version; throws if the format is invalid. */
export function unreleasedNotes(text) {
  const found = UNRELEASED.exec(text);
  if (found === null) throw new Error('CHANGELOG.md has no heading "## [Unreleased]"');
  const [, notes] = found;
  for (const [, name] of notes.matchAll(/^### (.*)$/gm)) {
    if (SECTIONS.includes(name)) continue;
    throw new Error(
      `CHANGELOG.md has the section "${name}" under [Unreleased]: use one of ${SECTIONS.join(', ')}`,
    );
  }
  return notes.trim();
}

/** Moves the notes under [Unreleased] to a section of the version. */
export function releaseChangelog(text, version, date) {
  const notes = unreleasedNotes(text);
  const section = `## [Unreleased]\n\n## [${version}] - ${date}\n\n${notes}`;
  return `${text.replace(UNRELEASED, () => `${section.trimEnd()}\n\n`).trimEnd()}\n`;
}

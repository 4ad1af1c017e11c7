// CHANGELOG.md in the form of keepachangelog.com: what a release reads of it and changes in it.

const UNRELEASED = /^## \[Unreleased\]\n([\s\S]*?)(?=^## |(?![\s\S]))/m;
const SECTIONS = ['Added', 'Changed', 'Deprecated', 'Removed', 'Fixed', 'Security'];

/** The notes of the next version; throws if the file does not have the form. */
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

/** The file with these notes under the version, and nothing under [Unreleased]. */
export function releaseChangelog(text, version, date) {
  const notes = unreleasedNotes(text);
  const section = `## [Unreleased]\n\n## [${version}] - ${date}\n\n${notes}`;
  return `${text.replace(UNRELEASED, () => `${section.trimEnd()}\n\n`).trimEnd()}\n`;
}

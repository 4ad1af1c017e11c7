import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from './run.js';

/** The clone in which a release is asked for. */
export class Clone {
  #root;

  constructor(root) {
    this.#root = root;
  }

  /** What keeps the clone from releasing the version. */
  async problems(version) {
    const [branch, changes, tags] = await Promise.all([
      this.#git('branch', '--show-current'),
      this.#git('status', '--porcelain'),
      this.#git('tag', '--list', `v${version}`),
    ]);
    const problems = [];
    if (branch !== 'main') problems.push(`${branch || 'a detached HEAD'} is checked out: switch to main`);
    if (changes !== '') problems.push(`there are uncommitted changes: commit or remove them\n${changes}`);
    if (tags !== '') problems.push(`the tag v${version} exists: choose another version`);
    return problems;
  }

  /** Checks HEAD out in a temporary folder. */
  async addWorktree() {
    const folder = await mkdtemp(join(tmpdir(), 'imstate-release-'));
    const source = join(folder, 'source');
    try {
      await mkdir(join(folder, 'tarballs'));
      await this.#git('worktree', 'add', '--quiet', '--detach', source);
    } catch (error) {
      await rm(folder, { recursive: true });
      throw error;
    }
    return new Worktree(folder, async () => {
      await this.#git('worktree', 'remove', '--force', source);
      await rm(folder, { recursive: true });
    });
  }

  /** Takes over the tarballs, the tag and the commit of a release, or none of them. */
  async take({ commit, tag, from, names }) {
    const undo = [];
    try {
      for (const name of names) {
        undo.push(() => rm(join(this.#root, name), { force: true }));
        await copyFile(join(from, name), join(this.#root, name));
      }
      await this.#git('tag', '--annotate', '--message', `imstate ${tag}`, tag, commit);
      undo.push(() => this.#git('tag', '--delete', tag));
      await this.#git('merge', '--quiet', '--ff-only', commit);
    } catch (error) {
      for (const step of undo.reverse()) await step();
      throw error;
    }
  }

  #git(...args) {
    return run('git', args, { cwd: this.#root });
  }
}

/** A checkout of its own in which the release is made. */
class Worktree {
  /** Where the sources are. */
  path;
  /** Where the tarballs are. */
  tarballs;
  /** Removes both. */
  remove;

  constructor(folder, remove) {
    this.path = join(folder, 'source');
    this.tarballs = join(folder, 'tarballs');
    this.remove = remove;
  }

  diffStat() {
    return this.#git('diff', '--stat');
  }

  /** Commits what has changed and returns the commit. */
  async commit(message) {
    await this.#git('commit', '--quiet', '--all', '--message', message);
    return this.#git('rev-parse', 'HEAD');
  }

  #git(...args) {
    return run('git', args, { cwd: this.path });
  }
}

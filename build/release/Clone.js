import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from './run.js';

/** The clone in which the release was started. */
export class Clone {
  #root;

  constructor(root) {
    this.#root = root;
  }

  /** The reasons why the clone cannot release the version. */
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

  /** Checks out HEAD in a temporary directory. */
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

  /** Adopts the tarballs, the tag and the commit of a release, or none of them. */
  async adopt({ commit, tag, from, names }) {
    const rollback = [];
    try {
      for (const name of names) {
        rollback.push(() => rm(join(this.#root, name), { force: true }));
        await copyFile(join(from, name), join(this.#root, name));
      }
      await this.#git('tag', '--annotate', '--message', `imstate ${tag}`, tag, commit);
      rollback.push(() => this.#git('tag', '--delete', tag));
      await this.#git('merge', '--quiet', '--ff-only', commit);
    } catch (error) {
      for (const undo of rollback.reverse()) await undo();
      throw error;
    }
  }

  #git(...args) {
    return run('git', args, { cwd: this.#root });
  }
}

/** A separate checkout in which the release is made. */
class Worktree {
  /** Path of the sources. */
  path;
  /** Path of the tarballs. */
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

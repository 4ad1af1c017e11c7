import { stat } from 'node:fs/promises';
import { ImstateError, messageOf } from 'imstate-client/internal/shared/errors';
import { trusted } from 'imstate-client/internal/shared/ownership';
import { readRegularText } from 'imstate-client/internal/shared/regularFile';
import { Webhook } from 'standardwebhooks';

const FLAG = '--secret-file';
const PREFIX = 'whsec_';
/** The lengths that Standard Webhooks allows. Bytes. */
const MIN_SECRET_BYTES = 24;
const MAX_SECRET_BYTES = 64;
/** How often the file may be checked for changes. Milliseconds. */
const CHECK_INTERVAL_MS = 1_000;

/**
 * The secrets of a file, one a line, which all sign: while receivers change to a new secret, the file has both. The
 * file is read again when it has changed. A file that cannot be used then is reported once, and the previous secrets
 * stay in force.
 */
export class WebhookSecrets {
  readonly #path: string;
  readonly #onWarning: (message: string) => void;
  #signers: readonly Webhook[];
  /** The stamp of the file when it was last read, or found unusable. */
  #stamp: string;
  #checkedAt = performance.now();

  private constructor(
    path: string,
    onWarning: (message: string) => void,
    signers: readonly Webhook[],
    stamp: string,
  ) {
    this.#path = path;
    this.#onWarning = onWarning;
    this.#signers = signers;
    this.#stamp = stamp;
  }

  /** Rejects with CONFIG_UNUSABLE if the file cannot be used. */
  static async open(path: string, onWarning: (message: string) => void): Promise<WebhookSecrets> {
    // Before the read: the next check finds a change in between.
    const stamp = await stampOf(path);
    return new WebhookSecrets(path, onWarning, readSigners(path), stamp);
  }

  /** The value of `webhook-signature`: the signatures by all secrets, in the order of the file. */
  async sign(id: string, time: Date, body: string): Promise<string> {
    await this.#refresh();
    return this.#signers.map((signer) => signer.sign(id, time, body)).join(' ');
  }

  async #refresh(): Promise<void> {
    if (performance.now() - this.#checkedAt < CHECK_INTERVAL_MS) return;
    this.#checkedAt = performance.now();
    const stamp = await stampOf(this.#path);
    if (stamp === this.#stamp) return;
    this.#stamp = stamp;
    try {
      this.#signers = readSigners(this.#path);
    } catch (error) {
      this.#onWarning(`${messageOf(error)}. The previous secrets stay in force`);
    }
  }
}

/** Changes with the file. For a file that cannot be found, it is the reason. */
async function stampOf(path: string): Promise<string> {
  try {
    const { ino, size, mtimeMs, ctimeMs } = await stat(path);
    return `${ino} ${size} ${mtimeMs} ${ctimeMs}`;
  } catch (error) {
    return messageOf(error);
  }
}

function readSigners(path: string): Webhook[] {
  const signers = linesOf(path)
    .map((line, i) => ({ secret: line.replace(/#.*/, '').trim(), location: `${path}, line ${i + 1},` }))
    .filter(({ secret }) => secret !== '')
    .map(({ secret, location }) => signerOf(secret, location));
  if (signers.length === 0) throw unusable(`${path} has no secret: add a line ${PREFIX}BASE64`);
  return signers;
}

function linesOf(path: string): string[] {
  try {
    return readRegularText(path, trusted(path)).split('\n');
  } catch (error) {
    throw unusable(`${path} cannot be read (${messageOf(error)}): correct it, or name another file`, error);
  }
}

/** The message never contains the secret. */
function signerOf(secret: string, location: string): Webhook {
  const encoded = secret.startsWith(PREFIX) ? secret.slice(PREFIX.length) : '';
  const key = Buffer.from(encoded, 'base64');
  // Buffer skips what is not base64.
  const isBase64 = key.toString('base64') === encoded;
  if (!isBase64 || key.length < MIN_SECRET_BYTES || key.length > MAX_SECRET_BYTES)
    throw unusable(
      `${location} is not a secret: write ${PREFIX} and ${MIN_SECRET_BYTES} to ${MAX_SECRET_BYTES} bytes in base64`,
    );
  return new Webhook(secret);
}

function unusable(message: string, cause?: unknown): ImstateError {
  return new ImstateError('CONFIG_UNUSABLE', `${FLAG} ${message}`, { cause, field: FLAG });
}

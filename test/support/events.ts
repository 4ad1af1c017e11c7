import { disposables } from './disposables.ts';
import { until } from './until.ts';

/** The data of an event that tests read, by its type. */
interface EventData {
  snapshot: object;
  synced: object;
  change: { userId: string; revision: string };
  skipped: { changes: number };
  progress: object;
  stats: { devicesOnline: number; changesPerSecond: number };
  error: object;
}

/** An event of a stream. */
export interface ServerSentEvent {
  id: string;
  event: string;
  data: { type: string };
}

/** A stream of server-sent events until the end of the test, which collects the events. */
export class EventReader {
  readonly status: number;
  readonly events: ServerSentEvent[] = [];
  /** The number of comments, which only show that the daemon is alive. */
  comments = 0;
  /** Resolves at the end of the stream. */
  readonly ended: Promise<void>;
  readonly #response: Response;

  static async open(url: string, headers: Record<string, string> = {}): Promise<EventReader> {
    const over = new AbortController();
    disposables.push(() => over.abort());
    return new EventReader(await fetch(url, { headers, signal: over.signal }));
  }

  private constructor(response: Response) {
    this.#response = response;
    this.status = response.status;
    this.ended = this.#read().catch(() => {});
  }

  /** The data of the events of a type. */
  of<Type extends keyof EventData>(type: Type): EventData[Type][] {
    return this.events
      .filter(({ event }) => event === type)
      .map(({ data }) => data as object as EventData[Type]);
  }

  /** Waits for a number of events of a type, and returns their data. */
  async wait<Type extends keyof EventData>(type: Type, count = 1): Promise<EventData[Type][]> {
    await until(() => this.of(type).length >= count, `there are ${count} events ${type}`);
    return this.of(type);
  }

  async #read(): Promise<void> {
    let rest = '';
    const decoder = new TextDecoder();
    for await (const chunk of this.#response.body as AsyncIterable<Uint8Array>) {
      const frames = (rest + decoder.decode(chunk, { stream: true })).split('\n\n');
      rest = frames.pop() as string;
      this.comments += frames.filter(isComment).length;
      this.events.push(...frames.filter((frame) => !isComment(frame)).map(parse));
    }
  }
}

function isComment(frame: string): boolean {
  return frame.startsWith(':');
}

function parse(frame: string): ServerSentEvent {
  const fields = Object.fromEntries(frame.split('\n').map((line) => line.split(/: (.*)/s).slice(0, 2)));
  return { id: fields.id ?? '', event: fields.event, data: JSON.parse(fields.data) };
}

import type { WatchRequest__Output } from 'imstate-client/internal/generated/imstate/v1/WatchRequest';
import type { WatchResponse } from 'imstate-client/internal/generated/imstate/v1/WatchResponse';
import { broken } from '../../presence/validate.js';
import type { WatchHub } from '../watch/hub.js';
import type { WatchSink } from '../watch/outbox.js';
import { Watch } from '../watch/watch.js';
import type { StreamHandler } from './calls.js';
import { readUsers, readWatchTarget } from './requests.js';
import type { StreamSink } from './streamSink.js';

/** Takes the messages of a Watch stream: its start, then updates. */
export function watchHandler(
  hub: WatchHub,
  link: StreamSink<WatchResponse>,
): StreamHandler<WatchRequest__Output> {
  let watch: Watch | undefined;
  let hasUpdate = false;
  return {
    outlivesRequests: true,
    // Updates of a caller that does not read would pile up, each as large as a request may be.
    ready: async () => {
      if (hasUpdate) await watch?.settled();
    },
    async take({ start, update }) {
      if (watch === undefined) {
        if (!start) throw broken('start', 'must be in the first message of a watch');
        watch = new Watch(hub, linkOf(link), readWatchTarget(start));
        watch.start();
        return;
      }
      if (!update) throw broken('update', 'must be in the further messages of a watch');
      hasUpdate = true;
      const { addUserIds, removeUserIds } = update;
      watch.update(readUsers('add_user_ids', addUserIds), readUsers('remove_user_ids', removeUserIds));
    },
    canEnd: async () => watch?.canResume(),
    close: () => watch?.close(),
    gone: () => watch?.gone(),
  };
}

function linkOf(link: StreamSink<WatchResponse>): WatchSink {
  return {
    send: ({ framed }, onTaken) => {
      link.send(framed, onTaken);
      return framed;
    },
    end: (error) => link.end(error),
    reset: () => link.reset(),
  };
}

import { clock, duration, isolated, t } from '../core/i18n.js';
import { reasonName } from '../core/parts.js';

/** The tooltip of a device. */
export function nameTooltip({ deviceId, label }) {
  return linesOf([label], [deviceId]);
}

/** The tooltip of a session from `begin` to `end`, in milliseconds. */
export function sessionTooltip(
  { label, deviceId, serverAddr, platform, appVersion, clientIp, ...entry },
  begin,
  end,
) {
  const until = entry.endTime === null ? t('timeline.now') : clock(new Date(end));
  return [
    linesOf([label], [deviceId, serverAddr], [platform, appVersion, clientIp]),
    `${clock(new Date(begin))} – ${until} (${duration(end - begin)})`,
    stateOf(entry),
  ].join('\n');
}

/** Lines of texts from outside, without those that are missing. */
function linesOf(...lines) {
  const present = lines.map((texts) => texts.filter(Boolean).map(isolated).join(' · '));
  return present.filter((line) => line !== '').join('\n');
}

function stateOf({ endTime, reason, reasonText }) {
  if (endTime === null) return t('state.online');
  const word = reasonName(reason);
  return reasonText === null ? word : t('ended.text', { reason: word, text: isolated(reasonText) });
}

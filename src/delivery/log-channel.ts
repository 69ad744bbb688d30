import { isClosing, type Notification } from '../domain/notification/notification.js';
import { templateOf } from '../domain/notification/presets.js';
import { render } from '../domain/notification/template.js';
import type { Log, LogFields } from './log.js';
import type { SendResult } from './send-result.js';

const JSON_BODY = templateOf({ preset: 'JSON' });

/**
 * Writes a notification to the log as one line: the fields of the JSON body, the violation's message as
 * the message. A violation that is open is a warning, one that has ended is not.
 */
export function sendToLog(log: Log, notification: Notification): SendResult {
  const { kind, violation } = notification.event;
  const body = new TextDecoder().decode(render(JSON_BODY, notification));
  // A line of the log has a time of its own, and a name must stand in it once.
  const { time: event_time, ...rest } = JSON.parse(body) as LogFields;
  const fields = { ...rest, event_time };
  const message = `Violation ${kind}: ${violation.message}`;
  if (isClosing(kind)) log.info(fields, message);
  else log.warn(fields, message);
  return { kind: 'DELIVERED', status: 0, excerpt: '' };
}

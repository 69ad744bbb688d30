import { excess, flowControlError, frameSizeError, protocolError } from './errors.js';
import { FRAME_BYTES_MAX, SETTING, WINDOW_BYTES_MAX } from './frames.js';

const PAIR_BYTES = 6;

/** The most settings in a frame: there are not ten that anybody knows. */
const PAIRS_MAX = 32;

/**
 * Reads the settings of a peer and returns the one that counts here: what it takes of each answer at
 * first, if it says so. Throws ConnectionError where one of them has a value that it must not have.
 */
export function initialWindowOf(payload: Buffer): number | undefined {
  if (payload.length % PAIR_BYTES > 0) throw frameSizeError('SETTINGS have another length');
  if (payload.length > PAIR_BYTES * PAIRS_MAX) throw excess('Too many settings');
  let window: number | undefined;
  for (let at = 0; at < payload.length; at += PAIR_BYTES) {
    const id = payload.readUInt16BE(at);
    const value = payload.readUInt32BE(at + 2);
    if (id === SETTING.ENABLE_PUSH && value > 1) throw protocolError('A setting is no flag');
    if (id === SETTING.MAX_FRAME_SIZE && (value < FRAME_BYTES_MAX || value >= 2 ** 24)) {
      throw protocolError('A frame size is none');
    }
    if (id !== SETTING.INITIAL_WINDOW_SIZE) continue;
    if (value > WINDOW_BYTES_MAX) throw flowControlError('A window is too large');
    window = value;
  }
  return window;
}

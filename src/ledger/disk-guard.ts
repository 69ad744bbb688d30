import { reject, type Rejection } from '../domain/answer.js';
import type { Command } from '../domain/command.js';
import { diskLevel, type DiskLevel, type DiskMarks } from '../domain/disk-level.js';

/** The disk that the store lies on, with a reserve that is taken from it while there is room. */
export interface Disk {
  /** Bytes that are free, the reserve not counted, whether it is taken or given back. */
  free(): number;
  /** Takes the reserve, unless it is taken or does not fit. */
  takeReserve(): void;
  /** Gives the reserve back: room for what must still be written. */
  giveReserveBack(): void;
}

/** What a disk is watched with. */
export interface DiskGuardOptions extends DiskMarks {
  /** Undefined: there is no disk to watch. */
  readonly disk: Disk | undefined;
  /** Called when the level changes. */
  readonly onDiskLevel: (level: DiskLevel, freeBytes: number) => void;
}

/**
 * Refuses what would fill the disk while there is still room to settle what is under way: after a
 * write that found none the process would not be sound any more.
 */
export interface DiskGuard {
  readonly level: DiskLevel;
  readonly freeBytes: number;
  /** Looks at the disk. */
  check(): void;
  /** Why a command is not taken now; undefined: it is. */
  refusal(command: Command): Rejection | undefined;
  /** Why nothing at all is written now, not by the sidecar itself either; undefined: there is room. */
  full(): Rejection | undefined;
}

/** How long a caller should wait. */
const RETRY_MS = 5_000;

/** Makes a guard. */
export function makeDiskGuard(options: DiskGuardOptions): DiskGuard {
  const { disk } = options;
  let level: DiskLevel = 'OK';
  let freeBytes = Infinity;

  function check(): void {
    if (disk === undefined) return;
    freeBytes = disk.free();
    const next = diskLevel(level, freeBytes, options);
    if (next === 'FULL') disk.giveReserveBack();
    else disk.takeReserve();
    if (next === level) return;
    level = next;
    options.onDiskLevel(level, freeBytes);
  }

  function diskLow(): Rejection {
    return {
      ...reject('DISK_LOW', 'The disk of the store has little room left. Try again later', {
        level,
        free_bytes: String(freeBytes),
      }),
      retryAfterMs: RETRY_MS,
    };
  }

  check();
  return {
    get level() {
      return level;
    },
    get freeBytes() {
      return freeBytes;
    },
    check,
    refusal: (command) =>
      level === 'OK' || (level === 'LOW' && settles(command)) ? undefined : diskLow(),
    full: () => (level === 'FULL' ? diskLow() : undefined),
  };
}

/** Verbs that end, stop or take away: they are taken while the disk is low. */
const SETTLING = /^(COMMIT|RELEASE|EXTEND|RESOLVE_VIOLATION|(DELETE|FREEZE|UNFREEZE)_.+)$/;

/** What has happened already, ends something or writes nothing. */
function settles(command: Command): boolean {
  if ('dryRun' in command && command.dryRun) return true;
  if ('validateOnly' in command && command.validateOnly) return true;
  if (command.method === 'SPEND') return command.mode === 'FORCE';
  return SETTLING.test(command.method);
}

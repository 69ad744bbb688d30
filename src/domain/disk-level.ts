/** How much room the disk has left: OK takes everything, LOW only what settles, FULL only reads. */
export type DiskLevel = 'OK' | 'LOW' | 'FULL';

/** Where the levels begin. Each is a setting of the same name in the configuration. */
export interface DiskMarks {
  /** LOW below it: `disk_soft_bytes`. */
  readonly diskSoftBytes: number;
  /** FULL below it: `disk_hard_bytes`. */
  readonly diskHardBytes: number;
}

/** A level is left only when an eighth more than its mark is free, so that it does not flutter. */
const MARGIN_SHARE = 8;

/** The level of a disk with so many bytes free, coming from another level. */
export function diskLevel(before: DiskLevel, freeBytes: number, marks: DiskMarks): DiskLevel {
  const { diskSoftBytes: soft, diskHardBytes: hard } = marks;
  if (freeBytes < (before === 'FULL' ? withMargin(hard) : hard)) return 'FULL';
  return freeBytes < (before === 'OK' ? soft : withMargin(soft)) ? 'LOW' : 'OK';
}

function withMargin(bytes: number): number {
  return bytes + Math.ceil(bytes / MARGIN_SHARE);
}

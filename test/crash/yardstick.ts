import { open, type FileHandle } from 'node:fs/promises';

const BLOCK = Buffer.alloc(4_096);

/** What the machine takes for one durable write of its own, whatever the sidecar does. */
export class Yardstick {
  readonly #file: FileHandle;
  #ms: number[] = [];

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  static async begin(path: string): Promise<Yardstick> {
    return new Yardstick(await open(path, 'w'));
  }

  async once(): Promise<void> {
    const began = performance.now();
    await this.#file.write(BLOCK, 0, BLOCK.length, 0);
    await this.#file.datasync();
    this.#ms.push(performance.now() - began);
  }

  /** The milliseconds of the writes since it was last asked. */
  taken(): readonly number[] {
    const ms = this.#ms;
    this.#ms = [];
    return ms;
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

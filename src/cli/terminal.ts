/** Where a command reads and writes: the process, or a test. */
export interface Terminal {
  /** Writes to the standard output. */
  out(text: string): void;
  /** Writes to the standard error. */
  err(text: string): void;
  /** Everything on the standard input. */
  input(): Promise<string>;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The process that forked this one, such as the demo. */
  readonly parent?: Parent;
}

/** Who forked this process. */
export interface Parent {
  tell(message: Readonly<Record<string, string>>): void;
  /** Calls back when the parent has gone. */
  onGone(callback: () => void): void;
  /** Ends the channel, which would keep this process alive. */
  leave(): void;
}

/** What the process was started with. */
export const processTerminal: Terminal = {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  input: async () => {
    const chunks: Buffer[] = [];
    for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks).toString('utf8');
  },
  environment: process.env,
  ...(process.send === undefined ? {} : { parent: parentProcess() }),
};

function parentProcess(): Parent {
  return {
    tell: (message) => void process.send?.(message),
    onGone: (callback) => void process.once('disconnect', callback),
    leave: () => {
      if (process.connected) process.disconnect();
    },
  };
}

/** What the process exits with. */
export const EXIT = {
  done: 0,
  /** An error of the call, or findings of a verification. */
  error: 1,
  /** The command, a flag or the configuration cannot be used. */
  usage: 2,
  /** The sidecar answered, and the answer is no. */
  denied: 3,
} as const;

/** A command that cannot be carried out as it was written, and what to do about it. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UsageError';
  }
}

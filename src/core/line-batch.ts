// Lines of one piece of a log, as offsets into its bytes: no line costs an object.

/** Bytes are valid during the call only. */
export interface LineBatch {
  readonly source: string;
  /** A file's path, or the source's name. */
  readonly stream: string;
  readonly bytes: Buffer;
  /** Line i is the bytes `starts[i]` to `ends[i]`, without LF and CR. */
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  readonly count: number;
  /** Lines left out because they were too long. */
  readonly skipped: number;
  /** ms since the epoch. */
  readonly readAt: number;
  /** Of old logs that somebody had read again: knowledge, and never a reason to act. */
  readonly isReplay: boolean;
  /** The source had been read to its end within the last minute: these lines were written just now, whatever their stamps say. */
  readonly isLive: boolean;
}

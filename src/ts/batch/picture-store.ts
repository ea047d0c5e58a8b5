/** Where a finished picture lies. */
export interface StoredPicture {
  /** Path below the output folder, with slashes; of the shard where pictures lie in shards. */
  readonly file: string;
  /** Position of the picture's record in its shard, and the record's end, bytes. */
  readonly offset?: number;
  readonly end?: number;
}

/** A picture to be kept, with what a reader of the store wants to know of it. */
export interface FinishedPicture {
  /** Content key, 64 hexadecimal digits. */
  readonly key: string;
  /** The picture file's contents. */
  readonly bytes: Uint8Array;
  readonly prompt: string;
  /** The manifest's fields that are known before it is stored. */
  readonly about: object;
}

/** Where a batch run puts its pictures: folders, tar shards, or a store of one's own. */
export interface PictureStore {
  /** Keeps a picture: whole and on the disk when this resolves, or not at all. @throws UnclipError IO_NO_SPACE, IO_FAILED */
  put(picture: FinishedPicture): Promise<StoredPicture>;
  /**
   * A picture that an earlier process stored but did not live to record.
   * @returns its file's contents, undefined when there is none
   */
  orphan(key: string): Promise<{ readonly bytes: Uint8Array; readonly stored: StoredPicture } | undefined>;
  /** Whether a recorded picture is still there. */
  has(key: string): Promise<boolean>;
  close(): Promise<void>;
}

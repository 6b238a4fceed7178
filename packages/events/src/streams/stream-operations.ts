import type { Scope } from '@rillflow/core'
import { closeStream, type CloseStreamOptions } from './close-stream.js'
import { listStreams, type ListStreamsOptions, type StreamList } from './list-streams.js'
import { findAlias, resolveAlias, type ResolveAliasOptions } from './stream-aliases.js'
import { streamExists, streamInfo, type StreamInfo } from './stream-info.js'

/** What can be done with streams as a whole, on the store and inside a transaction. */
export interface StreamOperations {
  /** Tells a stream's version, category and times; undefined when its id was never used. */
  streamInfo(streamId: string): Promise<StreamInfo | undefined>
  /** Tells whether there is such a stream; one that is archived is there, one that was tombstoned is not. */
  streamExists(streamId: string): Promise<boolean>
  /**
   * Lists streams in the byte order of their ids.
   *
   * @example
   * ```ts ignore
   * for await (const stream of store.events.listStreams({ prefix: 'order-' })) console.log(stream.streamId, stream.version)
   * ```
   */
  listStreams(options?: ListStreamsOptions): StreamList
  /** Gives the stream id that an alias leads to; undefined when there is no such alias. Creates nothing. */
  findAlias(alias: string): Promise<string | undefined>
  /**
   * Gives the stream id that an alias leads to, and makes the alias when it is not there: all who ask, in whatever
   * process, get the same id. One statement when it is there. The stream itself begins with its first append.
   *
   * Inside a transaction a new alias is there for others when the transaction has committed; who asks for it meanwhile
   * waits.
   *
   * @throws InvalidArgument for an alias, or a stream id from `create`, that cannot be a stream's id.
   *
   * @example
   * ```ts ignore
   * const streamId = await store.events.resolveAlias('customer:ada@example.org')
   * ```
   */
  resolveAlias(alias: string, options?: ResolveAliasOptions): Promise<string>
  /**
   * Archives a stream: it can be read, and takes no event until it is unarchived. An append that comes at the same time
   * is either in the version that this gives, or refused with `StreamArchived`.
   *
   * @throws StreamNotFound, StreamTombstoned, VersionConflict
   */
  archiveStream(streamId: string, options?: CloseStreamOptions): Promise<StreamInfo>
  /**
   * Lets an archived stream take events again, from the version that it has.
   *
   * @throws StreamNotFound, StreamTombstoned
   */
  unarchiveStream(streamId: string): Promise<StreamInfo>
  /**
   * Ends a stream for good: nothing is ever appended to its id again, and it reads as a stream that does not exist. Its
   * events stay stored, and stay in the feed. An id that was never used can be tombstoned too, and is reserved so.
   *
   * @throws VersionConflict
   */
  tombstoneStream(streamId: string, options?: CloseStreamOptions): Promise<StreamInfo>
}

/** The operations on streams within a scope. */
export function streamOperations(scope: Scope): StreamOperations {
  return {
    streamInfo: (streamId) => streamInfo(scope, streamId),
    streamExists: (streamId) => streamExists(scope, streamId),
    listStreams: (options = {}) => listStreams(scope, options),
    findAlias: (alias) => findAlias(scope, alias),
    resolveAlias: (alias, options = {}) => resolveAlias(scope, alias, options),
    archiveStream: (streamId, options = {}) => closeStream(scope, 'archive', streamId, options),
    unarchiveStream: (streamId) => closeStream(scope, 'unarchive', streamId, {}),
    tombstoneStream: (streamId, options = {}) => closeStream(scope, 'tombstone', streamId, options),
  }
}

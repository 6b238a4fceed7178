import type { TransactionScope } from '@rillflow/core'
import type { StoredEvent } from '../event.js'
import type { PreparedAppend } from './prepare-append.js'

/** Work of another module that belongs to the transaction of an append, as an inline projection does. */
export interface AppendHook<Ahead = unknown> {
  /** The types of the events that it wants; appends without any of them are not touched by it. */
  readonly types: ReadonlySet<string>
  /**
   * Sends what needs no more than the ids of the streams, right behind the appends and before they are answered, so that it
   * costs no round trip; left out where there is nothing. The streams are those with an event that it may want: an append
   * may be refused yet.
   */
  ahead?(scope: TransactionScope, streamIds: readonly string[]): Promise<Ahead>
  /**
   * Called once for the appends of a statement, with those of their events that have one of its types, as they are read
   * back, in the order of their positions, and with what `ahead` gave. What it throws undoes the appends; statements that
   * it sends must have been answered by then.
   */
  run(scope: TransactionScope, events: readonly StoredEvent[], ahead: Ahead | undefined): Promise<void>
}

/** What each hook has sent ahead. */
export type SentAhead = ReadonlyMap<AppendHook, unknown>

/** The hooks of one store. */
export class AppendHooks {
  readonly #hooks: AppendHook[] = []
  readonly #types = new Set<string>()

  add(hook: AppendHook): void {
    this.#hooks.push(hook)
    for (const type of hook.types) this.#types.add(type)
  }

  get isEmpty(): boolean {
    return this.#hooks.length === 0
  }

  /** Tells whether a hook wants events of this type. */
  wants(type: string): boolean {
    return this.#types.has(type)
  }

  /** Tells whether a hook wants an event of these appends. */
  wantsAny(appends: readonly PreparedAppend[]): boolean {
    return this.#types.size > 0 && appends.some((append) => this.wantsOf(append))
  }

  /** Tells whether a hook wants an event of this append. */
  wantsOf({ events }: PreparedAppend): boolean {
    return events.some(({ type }) => this.#types.has(type))
  }

  /** Lets the hooks send ahead what they can. */
  async sendAhead(scope: TransactionScope, appends: readonly PreparedAppend[]): Promise<SentAhead> {
    const sent = this.#hooks.map(async (hook) => {
      const wanted = appends.filter(({ events }) => events.some(({ type }) => hook.types.has(type)))
      const streamIds = [...new Set(wanted.map(({ streamId }) => streamId))]
      return [hook, streamIds.length === 0 ? undefined : await hook.ahead?.(scope, streamIds)] as const
    })
    await Promise.allSettled(sent)
    return new Map(await Promise.all(sent))
  }

  /** Hands each hook the events that it wants, all of them at once. */
  async run(
    scope: TransactionScope,
    { events, ahead }: { readonly events: readonly StoredEvent[]; readonly ahead: SentAhead },
  ): Promise<void> {
    const runs = this.#hooks.map(async (hook) => {
      const wanted = events.filter(({ type }) => hook.types.has(type))
      if (wanted.length > 0) await hook.run(scope, wanted, ahead.get(hook))
    })
    // None may be under way any more when the transaction is undone.
    await Promise.allSettled(runs)
    await Promise.all(runs)
  }
}

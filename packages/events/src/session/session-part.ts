import type { Scope, SessionPart } from '@rillflow/core'
import type { AppendHooks } from '../append/append-hooks.js'
import type { EventFamilies } from '../definitions/define-events.js'
import type { EventRegistry } from '../definitions/event-registry.js'
import type { EventsShape, StagedEventStore } from '../event-store.js'
import type { WakeUps } from '../head/wake-ups.js'
import { stageableAppend } from '../streams/append-builder.js'
import { StagedAppends } from './staged-appends.js'

/** What events do in one session: stage appends, and write them when it is saved. */
export function sessionPart<Families extends EventFamilies>(
  scope: Scope,
  parts: { readonly registry: EventRegistry; readonly wakeUps: WakeUps; readonly hooks: AppendHooks },
): SessionPart<EventsShape<Families>> {
  const { registry, wakeUps, hooks } = parts
  const staged = new StagedAppends(registry, hooks)
  let schema = ''
  const stage: StagedEventStore<Families>['append'] = (streamId, list, options = {}) =>
    staged.stage(streamId, list, options)
  return {
    api: {
      append: stage,
      stream: (streamId) => stageableAppend(streamId, stage),
      staged: (streamId) => staged.appendsTo(streamId),
    },
    pending: () => staged.pending,
    async prepare() {
      ;({ schema } = await scope.target())
      await staged.prepare(scope.context())
    },
    async flush(tx) {
      const saved = await staged.flush(tx, schema)
      if (saved.length > 0) tx.onCommit(() => wakeUps.committed(schema, false))
      return saved
    },
    committed: () => staged.committed(),
    clear: () => staged.clear(),
  }
}

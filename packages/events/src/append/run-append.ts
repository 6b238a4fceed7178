import { RillflowError, traced, type Scope } from '@rillflow/core'
import type { EventRegistry } from '../definitions/event-registry.js'
import type { NewEvent } from '../event.js'
import type { AppendOutcome } from './append-events.js'
import type { AppendResult } from './append-result.js'
import { prepareAppend, type AppendOptions, type PreparedAppend } from './prepare-append.js'

/** What a caller asks to append. */
export interface AppendRequest {
  readonly registry: EventRegistry
  readonly streamId: string
  readonly events: readonly NewEvent[]
  readonly options: AppendOptions
}

/** Prepares an append, sends it, and throws what its outcome says. */
export async function runAppend(
  scope: Scope,
  { registry, streamId, events, options }: AppendRequest,
  send: (schema: string, prepared: PreparedAppend) => Promise<AppendOutcome>,
): Promise<AppendResult> {
  const context = scope.context()
  const prepared = await prepareAppend(registry, { streamId, events, options, context })
  const { schema, tenant } = await scope.target()
  const { correlationId } = context
  const count = prepared.events.length
  return traced(
    'append',
    () => ({ operation: 'append', schema, tenant, correlationId, count }),
    async () => {
      const outcome = await send(schema, prepared)
      if (outcome instanceof RillflowError) throw outcome
      return outcome
    },
  )
}

import { tracingChannel, type TracingChannel } from 'node:diagnostics_channel'

/** What is told of an operation; never a payload, a parameter or a URL. */
export interface OperationContext {
  readonly operation: string
  readonly schema: string
  readonly tenant?: string | undefined
  readonly correlationId?: string | undefined
  /** How many events, documents or migrations. */
  readonly count?: number | undefined
}

type Operation = 'append' | 'read' | 'save' | 'project' | 'deliver' | 'migrate'

const operations: readonly Operation[] = ['append', 'read', 'save', 'project', 'deliver', 'migrate']

/**
 * The `node:diagnostics_channel` tracing channels that Rillflow publishes, `rillflow:append` and so on, by operation.
 *
 * @example
 * ```ts
 * import { channels } from '@rillflow/core'
 *
 * channels.append.subscribe({ start() {}, end() {}, asyncStart() {}, asyncEnd: console.log, error: console.error })
 * ```
 */
export const channels = Object.fromEntries(
  operations.map((operation) => [operation, tracingChannel(`rillflow:${operation}`)]),
) as unknown as Readonly<Record<Operation, TracingChannel<unknown, OperationContext>>>

/** Runs `work` and tells the channel, when somebody listens; `context` is made only then, and never holds the result. */
export async function traced<Result>(
  operation: Operation,
  context: () => OperationContext,
  work: () => Promise<Result>,
): Promise<Result> {
  const channel = channels[operation]
  if (!isHeard(channel)) return work()
  let result: Result | undefined
  // tracePromise puts what it resolves to on the context: a read's result is payload.
  await channel.tracePromise(async () => void (result = await work()), context())
  return result as Result
}

/** Node 20 has no `hasSubscribers` on the tracing channel itself. */
function isHeard(channel: TracingChannel<unknown, OperationContext>): boolean {
  return (
    channel.start.hasSubscribers ||
    channel.end.hasSubscribers ||
    channel.asyncStart.hasSubscribers ||
    channel.asyncEnd.hasSubscribers ||
    channel.error.hasSubscribers
  )
}

import { InvalidArgumentError, InvalidStateError, type Scope, type TransactionScope } from '@rillflow/core'
import type { Delivery } from './delivery.js'

/** How a delivery is acknowledged in a transaction. */
export interface Acknowledgement {
  /** Writes it. @throws LeaseLost */
  write(scope: Scope): Promise<void>
  /** Whether it is stored. */
  stands(): Promise<boolean>
  /** Its transaction has committed. */
  committed(): void
}

/** Knows the acknowledgement of each delivery, out of sight of its type. */
const bound = new WeakMap<object, (scope: TransactionScope) => Promise<void>>()

/** What became of a delivery's acknowledgement; asked once its handler is done, and from then on there is none. */
export interface BoundAcknowledgement {
  /** Whether it is stored. */
  ended(): Promise<boolean>
  /** The same, of a handler that has succeeded. @throws InvalidState when it was written, and is not stored. */
  confirm(): Promise<boolean>
}

/** Lets a delivery be acknowledged by {@link acknowledgeIn}. */
export function bindAcknowledgement(
  delivery: Delivery,
  acknowledgement: Acknowledgement,
  attempt: { readonly isAborted: boolean },
): BoundAcknowledgement {
  let state: 'open' | 'written' | 'committed' = 'open'
  let writtenIn: TransactionScope | undefined
  bound.set(delivery, async (scope) => {
    // A transaction that failed or is run again has another scope, and says it again.
    if (state === 'committed' || writtenIn === scope) {
      throw new InvalidStateError('ack: the delivery is acknowledged already.')
    }
    delivery.signal.throwIfAborted()
    await acknowledgement.write(scope)
    state = 'written'
    writtenIn = scope
    scope.onCommit(() => {
      state = 'committed'
      acknowledgement.committed()
    })
  })
  const ended = async (): Promise<boolean> => {
    // A handler that is left behind may still acknowledge, and is told why that is too late.
    if (!attempt.isAborted) bound.delete(delivery)
    // Its owner alone saw the transaction end, or it was undone.
    if (state === 'written' && (await acknowledgement.stands())) {
      state = 'committed'
      acknowledgement.committed()
    }
    return state === 'committed'
  }
  return {
    ended,
    async confirm() {
      if (await ended()) return true
      if (state === 'open') return false
      throw new InvalidStateError(
        'ack: the transaction in which the delivery was acknowledged has not committed. Await it in the handler.',
      )
    },
  }
}

/**
 * Acknowledges a delivery in a transaction: what else that writes is stored exactly when the event counts as handled.
 *
 * @throws InvalidArgument for what is no delivery, or one whose handler has ended.
 * @throws LeaseLost
 */
export async function acknowledgeIn(scope: TransactionScope, delivery: unknown): Promise<void> {
  const acknowledge = typeof delivery === 'object' && delivery !== null ? bound.get(delivery) : undefined
  if (acknowledge === undefined) {
    throw new InvalidArgumentError(
      'delivery',
      'ack: hand it the delivery that your handler was called with, before the handler returns.',
    )
  }
  await acknowledge(scope)
}

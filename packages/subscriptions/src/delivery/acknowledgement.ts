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

/** Lets a delivery be acknowledged by {@link acknowledgeIn}. */
export function bindAcknowledgement(
  delivery: Delivery,
  acknowledgement: Acknowledgement,
): {
  /** Whether it was; called when the handler is done. */
  confirm(): Promise<boolean>
} {
  let state: 'open' | 'written' | 'committed' = 'open'
  bound.set(delivery, async (scope) => {
    if (state === 'committed') throw new InvalidStateError('ack: the delivery is acknowledged already.')
    delivery.signal.throwIfAborted()
    await acknowledgement.write(scope)
    state = 'written'
    scope.onCommit(() => {
      state = 'committed'
      acknowledgement.committed()
    })
  })
  return {
    async confirm() {
      bound.delete(delivery)
      if (state === 'open') return false
      if (state === 'committed') return true
      // Its owner alone saw the transaction end, or it was undone.
      if (!(await acknowledgement.stands())) {
        throw new InvalidStateError(
          'ack: the transaction in which the delivery was acknowledged has not committed. Await it in the handler.',
        )
      }
      acknowledgement.committed()
      return true
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

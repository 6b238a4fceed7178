import { InvalidArgumentError } from '@rillflow/core'

/** Refuses what is no aggregate, such as its name. @throws InvalidArgument */
export function checkAggregate(aggregate: unknown): void {
  const { name, initial, evolve } = (aggregate ?? {}) as { name?: unknown; initial?: unknown; evolve?: unknown }
  if (typeof name === 'string' && typeof initial === 'function' && typeof evolve === 'object' && evolve !== null) return
  throw new InvalidArgumentError('aggregate', 'aggregate must be a definition: what defineAggregate has made.')
}

/** Refuses what cannot decide. @throws InvalidArgument */
export function checkDecide(decide: unknown): void {
  if (typeof decide === 'function') return
  throw new InvalidArgumentError(
    'decide',
    'decide must be a function from the state to events, as Order.commands.ship({ … }) gives one.',
  )
}

import {
  InvalidArgumentError,
  InvalidStateError,
  type InstalledModule,
  type Logger,
  type ModuleHost,
  type Scope,
} from '@rillflow/core'
import { eventsModule, type EventFamilies, type EventsService, type EventStore } from '@rillflow/events'
import { checkName, checkWhole, describeConsumer, type ConsumerKey } from './consumers/consumer-key.js'
import { listConsumers, statusOfConsumer } from './consumers/consumer-status.js'
import { pauseConsumer, removeConsumer, resetConsumer, resumeConsumer, setMaxInFlight } from './consumers/control.js'
import { createConsumer } from './consumers/create-consumer.js'
import { deadLettersOf } from './consumers/dead-letters.js'
import { repartitionConsumer } from './consumers/repartition.js'
import { readDefinition } from './consumers/stored-definition.js'
import { Runs } from './consumers/runs.js'
import { isStart, type StartFrom, type Subscription } from './definition/define-subscription.js'
import { acknowledgeIn } from './delivery/acknowledgement.js'
import type { Delivery } from './delivery/delivery.js'
import { iterate, type ManualDelivery } from './delivery/iterate.js'
import { PageSource } from './delivery/page-source.js'
import { runSubscription, type RunOptions, type RunParts } from './delivery/run-subscription.js'
import { ConsumerNotFoundError } from './errors.js'
import { leavable } from './reading/leavable.js'
import { tail } from './reading/tail.js'
import type { CreateOptions, GroupOptions, SubscriptionsShape, SubscriptionStore } from './subscription-store.js'

const mostInFlight = 10_000
const mostPartitions = 1_000

/** Makes what one store shares, and the API of each of its scopes. */
export function installSubscriptions({ logger }: ModuleHost): InstalledModule<SubscriptionsShape> {
  const runs = new Runs()
  return {
    store(scope, siblings) {
      const { api: events, service } = siblings.find(eventsModule)
      return storeApi({ scope, logger, events, service }, runs)
    },
    transaction: (scope) => ({ ack: (delivery) => acknowledgeIn(scope, delivery) }),
    close: () => runs.close(),
  }
}

interface Parts extends RunParts {
  readonly scope: Scope
  readonly logger: Logger
  readonly events: EventStore<EventFamilies>
  readonly service: EventsService
}

function storeApi(parts: Parts, runs: Runs): SubscriptionStore {
  const { scope, events, service } = parts
  const readHead = (): Promise<number> => events.head()
  const kind = 'subscription'
  const api = {
    run: async (subscription: Subscription | string, handle: Handle, options: RunOptions = {}) => {
      checkHandler(handle)
      return runs.start(options.signal, (signal) =>
        begin(parts, subscription, {
          options,
          signal,
          inStreamOrder: true,
          handle: async (delivery) => handle(delivery),
        }),
      )
    },
    open: (
      subscription: Subscription | string,
      { ack = 'auto', ...options }: RunOptions & { ack?: 'auto' | 'manual' } = {},
    ) => {
      if (ack !== 'auto' && ack !== 'manual') throw new InvalidArgumentError('ack', "ack must be 'auto' or 'manual'.")
      const make = (signal: AbortSignal): AsyncGenerator<ManualDelivery, void, undefined> =>
        iterate(
          (handle) =>
            runs.start(signal, (until) =>
              begin(parts, subscription, { options, signal: until, inStreamOrder: false, handle }),
            ),
          { ack, signal },
        )
      return leavable(make, options.signal)
    },
    tail: ({ filter, after, signal }: Parameters<SubscriptionStore['tail']>[0] = {}) => {
      if (after !== undefined) checkWhole('after', after, [0, Number.MAX_SAFE_INTEGER])
      const feed = service.feed({ filter })
      const waitForHead = (from: number, until: AbortSignal): Promise<number> =>
        events.waitForHead(from, { signal: until })
      const source = async (): Promise<PageSource> =>
        new PageSource({ feed, scope, waitForHead, pageSize: 200, after: after ?? (await readHead()) })
      return leavable((until) => tail(source, until), signal)
    },
    create: async (subscription: Subscription | string, options: CreateOptions = {}) => {
      const { name, filter, startFrom } =
        typeof subscription === 'string' ? { name: subscription, ...options } : checkSubscription(subscription)
      return create(parts, keyOf(name, options), { ...options, filter, startFrom: options.startFrom ?? startFrom })
    },
    list: () => listConsumers(scope, { kind }, readHead),
    groups: async (name: string) => {
      checkName('name', name)
      return listConsumers(scope, { kind, name }, readHead)
    },
    status: async (name: string, options: GroupOptions = {}) => statusOfConsumer(scope, keyOf(name, options), readHead),
    pause: async (name: string, options: GroupOptions = {}) => pauseConsumer(scope, keyOf(name, options)),
    resume: async (name: string, options: GroupOptions = {}) => resumeConsumer(scope, keyOf(name, options)),
    reset: async (name: string, to: StartFrom, options: GroupOptions = {}) =>
      resetConsumer(scope, keyOf(name, options), await positionOf(events, to)),
    setMaxInFlight: async (name: string, value: number, options: GroupOptions = {}) => {
      checkWhole('value', value, [1, mostInFlight])
      return setMaxInFlight(scope, keyOf(name, options), value)
    },
    repartition: async (name: string, partitions: number, options: GroupOptions = {}) => {
      checkWhole('partitions', partitions, [1, mostPartitions])
      return repartitionConsumer(scope, keyOf(name, options), partitions)
    },
    remove: async (name: string, options: GroupOptions = {}) => removeConsumer(scope, keyOf(name, options)),
    deadLetters: deadLettersOf(scope, kind),
  }
  // Of whatever events inside; the types of the outside are those of the definitions.
  return api as unknown as SubscriptionStore
}

type Handle = (delivery: Delivery) => Promise<void> | void

interface Begin {
  readonly options: RunOptions
  readonly signal: AbortSignal
  readonly inStreamOrder: boolean
  readonly handle: (delivery: Delivery) => Promise<void>
}

/** Sees to it that the subscription is stored, and runs it. */
async function begin(parts: Parts, subscription: Subscription | string, how: Begin): Promise<void> {
  const { group, signal: _signal, ...options } = how.options
  const named = typeof subscription === 'string'
  const key = keyOf(named ? subscription : checkSubscription(subscription).name, { group })
  if (!named) await create(parts, key, { ...options, filter: subscription.filter, startFrom: subscription.startFrom })
  const stored = await readDefinition(parts.scope, key)
  if (stored === undefined) throw new ConsumerNotFoundError(describeConsumer(key))
  if (options.partitions !== undefined && options.partitions !== stored.partitions) {
    throw new InvalidStateError(
      `run: ${describeConsumer(key)} has ${stored.partitions} partitions, and not ${options.partitions}. ` +
        'Leave `partitions` out, or change them with `repartition` while nothing runs.',
    )
  }
  const filter = named ? stored.filter : subscription.filter
  await runSubscription({ ...parts, ...how, options, key, filter })
}

async function create(parts: Parts, key: ConsumerKey, options: CreateOptions): Promise<boolean> {
  const { filter, startFrom = 'beginning', partitions = 1, maxInFlight = 1 } = options
  checkWhole('partitions', partitions, [1, mostPartitions])
  checkWhole('maxInFlight', maxInFlight, [1, mostInFlight])
  // Refuses what names nothing.
  parts.service.feed({ filter })
  const position = await positionOf(parts.events, startFrom)
  const encoded = filter === undefined ? undefined : JSON.stringify(filter)
  return createConsumer(parts.scope, key, { partitions, version: 1, position, maxInFlight, filter: encoded })
}

function keyOf(name: unknown, { group }: GroupOptions): ConsumerKey {
  checkName('name', name)
  if (group !== undefined) checkName('group', group)
  return { kind: 'subscription', name, group: group ?? '' }
}

async function positionOf(events: EventStore<EventFamilies>, start: StartFrom): Promise<number> {
  if (!isStart(start)) throw new InvalidArgumentError('startFrom', "It must be 'beginning', 'now' or a position.")
  if (start === 'now') return events.head()
  return start === 'beginning' ? 0 : start
}

/** One without a filter would select everything. */
function checkSubscription(subscription: unknown): Subscription {
  const { filter } = (subscription ?? {}) as Partial<Subscription>
  if (typeof filter === 'object' && filter !== null) return subscription as Subscription
  throw new InvalidArgumentError('subscription', 'subscription must be a name, or what defineSubscription made.')
}

function checkHandler(handle: unknown): void {
  if (typeof handle !== 'function') throw new InvalidArgumentError('handle', 'handle must be a function.')
}

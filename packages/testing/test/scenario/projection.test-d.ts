import { expectTypeOf } from 'vitest'
import { givenEvents } from '../../src/index.js'
import type { DocumentOf, ProjectionShape, StreamEventOf } from '../../src/index.js'
import { OrderSummary, type Summary } from './order-summary.js'

interface ReadSummary {
  readonly id: string
  readonly total: number
  readonly events?: number | undefined
  readonly tags: readonly string[]
}

// A projection's own types, without a word of the user's.
expectTypeOf<DocumentOf<typeof OrderSummary>>().toEqualTypeOf<ReadSummary>()
expectTypeOf<StreamEventOf<typeof OrderSummary>['type']>().toEqualTypeOf<
  'OrderPlaced' | 'OrderShipped' | 'OrderClosed' | 'Noted'
>()

// What may be written: the input of the schemas with a stream, metadata too, and options spelled out as undefined.
const placed = { streamId: 'order-1', type: 'OrderPlaced', data: { total: 1 } } as const
const summary = { id: 'order-1', total: 1, tags: ['a'] } as const
const happened = givenEvents(OrderSummary, [
  placed,
  { streamId: 'a', type: 'OrderPlaced', data: { total: 1, currency: 'USD' }, headers: { user: 'ada' } },
  { streamId: 'a', type: 'Noted', data: { text: 'a' }, category: 'b', createdAt: new Date(0), id: undefined },
])
void happened.when([placed], { times: 2 })
void happened.when([placed], { times: undefined })
expectTypeOf(happened.thenDocument('order-1', summary)).toEqualTypeOf<Promise<void>>()
void happened.thenDocument('order-1', (doc) => expectTypeOf(doc).toEqualTypeOf<ReadSummary>())
void happened.thenDocuments({ 'order-1': summary })
void happened.thenDocuments({})
void happened.when([]).thenNoDocument('order-1')
void happened.thenError(RangeError)

// And what may not.
// @ts-expect-error: no such event
givenEvents(OrderSummary, [{ streamId: 'a', type: 'OrderPaid', data: {} }])
// @ts-expect-error: data of another type, for type and data are a pair
givenEvents(OrderSummary, [{ streamId: 'a', type: 'Noted', data: { total: 1 } }])
// @ts-expect-error: no stream
givenEvents(OrderSummary, [{ type: 'Noted', data: { text: 'a' } }])
// @ts-expect-error: one event is no list
givenEvents(OrderSummary, placed)
// @ts-expect-error: no projection
givenEvents({ name: 'order-summary' }, [])
// @ts-expect-error: no such event
void happened.when([{ streamId: 'a', type: 'OrderPaid', data: {} }])
// @ts-expect-error: no such option
void happened.when([placed], { often: 2 })
// @ts-expect-error: a part of a document is no document
void happened.thenDocument('order-1', { id: 'order-1' })
// @ts-expect-error: no document is told by thenNoDocument
void happened.thenDocument('order-1', undefined)
// @ts-expect-error: a document does not change
void happened.thenDocument('order-1', (doc) => (doc.total = 1))
// @ts-expect-error: however deep
void happened.thenDocument('order-1', (doc) => doc.tags.push('b'))
// @ts-expect-error: a part of a document is no document
void happened.thenDocuments({ 'order-1': { id: 'order-1' } })
// @ts-expect-error: an expectation needs to know the error
void happened.thenError()

// There is nothing to await without an expectation.
expectTypeOf<Awaited<typeof happened>>().toBeNever()
// @ts-expect-error: nor to return from an asynchronous test
void (async () => happened)
// @ts-expect-error: nor after more has happened
void (async () => happened.when([]))

// Whose types tell nothing of its families, any event may be given to.
declare const Loose: ProjectionShape & { readonly doc?: Summary | undefined }
void givenEvents(Loose, [{ streamId: 'a', type: 'Whatever', data: { total: 1 } }]).thenDocument('a', summary)

import { describe, expect, test } from 'vitest'
import { expectFailure, expectMistake, expectToHold, rejectionOf } from '../../../test/scenario/expect-scenario.js'
import { OrderSummary, ProjectionFailed } from '../../../test/scenario/order-summary.js'
import { givenEvents } from './given-events.js'

const placed = { streamId: 'order-1', type: 'OrderPlaced', data: { total: 9 } } as const
const other = { ...placed, streamId: 'order-2' } as const
const closed = { streamId: 'order-1', type: 'OrderClosed', data: {} } as const
const noted = { streamId: 'order-1', type: 'Noted', data: { text: 'a' } } as const
const tooMuch = { ...placed, data: { total: 1001 } } as const
const summary = { id: 'order-1', total: 9, tags: [] }

describe('documents', () => {
  test('are those that the events lead to, each expectation held against one run', async () => {
    const happened = givenEvents(OrderSummary, [placed, other])
    await expectToHold(happened.thenDocument('order-1', summary))
    await expectToHold(happened.thenDocuments({ 'order-2': { ...summary, id: 'order-2' }, 'order-1': summary }))
    await expectToHold(happened.thenNoDocument('order-3'))
    await expectToHold(happened.thenDocument('order-1', (doc) => doc.total === 9))
    await expectToHold(givenEvents(OrderSummary, [placed, closed]).thenDocuments({}))
    await expectToHold(givenEvents(OrderSummary, []).when([placed]).thenDocument('order-1', summary))
    await expectToHold(givenEvents(OrderSummary, [placed]).when([closed]).thenNoDocument('order-1'))
  })

  test('are compared as JSON, and whole', async () => {
    const happened = givenEvents(OrderSummary, [placed])
    await happened.thenDocument('order-1', { tags: [], id: 'order-1', total: 9, events: undefined })
    await expectFailure(
      happened.thenDocument('order-1', { id: 'order-1', total: 9 } as never),
      'the document "order-1" is not the expected one',
    )
  })

  test('that are others fail, with what is there', async () => {
    const happened = givenEvents(OrderSummary, [placed, other])
    await expectFailure(
      happened.thenDocument('order-3', summary),
      'expected the document "order-3", but there is "order-1", "order-2"',
    )
    await expectFailure(happened.thenNoDocument('order-2'), 'expected no document "order-2", but there is one')
    await expectFailure(
      happened.thenDocuments({ 'order-1': summary }),
      'expected "order-1", but there is "order-1", "order-2"',
    )
    await expectFailure(happened.thenDocuments({}), 'expected none, but there is "order-1", "order-2"')
    await expectFailure(
      givenEvents(OrderSummary, []).thenDocument('order-1', summary),
      'expected the document "order-1", but there is none',
    )
    await expectFailure(
      happened.thenDocument('order-1', () => false),
      'the check of the document "order-1" answered false',
    )
  })

  test('are told with the scenario, each line that differs, and the line of the expectation', async () => {
    const happened = givenEvents(OrderSummary, [placed, other]).when([noted], { times: 1 })
    const expectation = () => happened.thenDocuments({ 'order-1': summary, 'order-2': { ...summary, id: 'order-2' } })
    const error = await rejectionOf(expectation())
    expect(error.message).toBe(
      [
        'order-summary: the documents are not the expected ones',
        '',
        '  given OrderPlaced of "order-1", OrderPlaced of "order-2"',
        '  when Noted of "order-1" happened',
        '',
        '- expected',
        '+ actual',
        '',
        '  {',
        '    "order-1": {',
        '      "id": "order-1",',
        '-     "tags": [],',
        '-     "total": 9',
        '+     "tags": [',
        '+       "a"',
        '+     ],',
        '+     "total": 0',
        '    },',
        '    "order-2": {',
        '      "id": "order-2",',
        '  … 4 alike',
      ].join('\n'),
    )
    expect(error.stack?.split('\n    at ')[1]).toMatch(/^expectation .*given-events\.test\.ts/)
    expect(error).toMatchObject({
      code: 'ERR_ASSERTION',
      operator: 'deepStrictEqual',
      actual: { 'order-1': { total: 0 } },
    })
  })
})

describe('times', () => {
  test('holds a fold to it that comes to the same when its events come again', async () => {
    const happened = givenEvents(OrderSummary, [noted]).when([placed, closed, other], { times: 3 })
    await expectToHold(happened.thenDocuments({ 'order-2': { ...summary, id: 'order-2' } }))
    await expectToHold(happened.thenNoDocument('order-1'))
  })

  test('fails one that does not, whatever is expected', async () => {
    const happened = givenEvents(OrderSummary, [placed]).when([noted], { times: 2 })
    const once = { ...summary, total: 0, tags: ['a'] }
    const again = 'handed over a second time, the same events led to other documents than before'
    await expectFailure(happened.thenDocument('order-1', once), again)
    await expectFailure(
      happened.thenDocument('order-1', () => true),
      again,
    )
    await expectFailure(happened.thenDocuments({ 'order-1': once }), again)
    await expectFailure(happened.thenNoDocument('order-2'), again)
    const { message } = await rejectionOf(happened.thenDocument('order-1', once))
    expect(message).toContain('when Noted of "order-1" happened, handed over 2 times')
    expect(message).toContain('      "tags": [\n+       "a",\n        "a"\n      ],')
    // What is wrong the first time already is told as that.
    await expectFailure(happened.thenDocument('order-1', summary), 'the document "order-1" is not the expected one')
    await expectFailure(happened.thenError('ProjectionFailed'), 'but there is "order-1"')
  })

  test('names the time of an error that comes with the repetition', async () => {
    let first = true
    const Once = {
      ...OrderSummary,
      fold: async () => {
        if (!first) throw new ProjectionFailed('again')
        first = false
        return Promise.resolve(new Map())
      },
    }
    await expectFailure(
      givenEvents(Once, []).when([placed], { times: 2 }).thenDocuments({}),
      'but handed over a second time, the same events made the projection throw ProjectionFailedError (ProjectionFailed)',
    )
  })

  test.each([0, -1, 1.5, 101, Number.NaN, '2' as never])('%s is refused', (times) => {
    expect(() => givenEvents(OrderSummary, []).when([placed], { times })).toThrow('a whole number from 1 to 100')
  })
})

describe('thenError', () => {
  test('is about what the projection throws, or a cause of it', async () => {
    for (const happened of [
      givenEvents(OrderSummary, [tooMuch]),
      givenEvents(OrderSummary, [placed]).when([tooMuch]),
    ]) {
      for (const expected of [ProjectionFailed, RangeError, 'ProjectionFailed', /handler threw/, /too much/] as const) {
        await expectToHold(happened.thenError(expected))
      }
      // A check is asked about the error itself, and once.
      const asked: unknown[] = []
      await expectFailure(
        happened.thenError((error) => (asked.push(error), false)),
        'expected an error that the check accepts',
      )
      expect(asked).toEqual([expect.any(ProjectionFailed)])
      await expectFailure(happened.thenError('ValidationFailed'), 'expected an error with the code ValidationFailed')
      await expectFailure(
        happened.thenDocument('order-1', summary),
        'expected the document "order-1", but the projection threw ProjectionFailedError (ProjectionFailed): ' +
          'its handler threw; see the cause.; caused by RangeError: too much',
      )
      await expectFailure(
        happened.thenNoDocument('order-1'),
        'expected no document "order-1", but the projection threw',
      )
      await expectFailure(happened.thenDocuments({}), 'expected documents: none, but the projection threw')
    }
  })

  test('fails when there was none', async () => {
    await expectFailure(givenEvents(OrderSummary, [placed]).thenError(Error), 'but there is "order-1"')
  })

  test.each<[string, unknown, string]>([
    ['that do not fit', { ...placed, data: {} }, 'ValidationFailed'],
    ['of no family', { ...placed, type: 'OrderPaid' }, 'UnknownEventType'],
    ['that JSON cannot hold', { ...closed, data: { at: new Date(0) } }, 'UnstorableValue'],
    ['that are none', null, 'InvalidArgument'],
    ['of no stream', { ...placed, streamId: undefined }, 'InvalidArgument'],
    ['of a stream that cannot be', { ...placed, streamId: 'a\0' }, 'InvalidArgument'],
    ['of no category', { ...placed, category: '' }, 'InvalidArgument'],
    ['of no time', { ...placed, createdAt: 'noon' }, 'InvalidArgument'],
  ])('is about events %s as well', async (_, event, code) => {
    const happened = givenEvents(OrderSummary, [event as never])
    await expectToHold(happened.thenError(code))
    await expectFailure(happened.thenDocuments({}), 'but the store would refuse the event: RefusedError')
    // Of the past, they cannot have been.
    await expectMistake(
      givenEvents(OrderSummary, [placed, event as never])
        .when([])
        .thenError(code),
      'given order-summary, event 2 of 2: ',
    )
  })

  test('given events that cannot be projected are a mistake when more happens', async () => {
    await expectMistake(
      givenEvents(OrderSummary, [tooMuch]).when([placed]).thenError('ProjectionFailed'),
      'given order-summary, event 1 of 1: its handler threw',
    )
  })
})

describe('what is no scenario', () => {
  test.each<[string, () => unknown, string]>([
    ['no projection', () => givenEvents({ name: 'a' } as never, []), 'takes a projection'],
    ['nothing', () => givenEvents(undefined as never, []), 'takes a projection'],
    ['a handler', () => givenEvents({ ...OrderSummary, kind: 'handler' }, []), 'useDatabase()'],
    ['one event', () => givenEvents(OrderSummary, placed as never), 'givenEvents(OrderSummary, [{ streamId'],
    ['one more', () => givenEvents(OrderSummary, []).when(placed as never), 'when([{ streamId'],
  ])('%s is refused at once', (_, scenario, message) => {
    expect(scenario).toThrow(
      expect.objectContaining({ name: 'ScenarioError', message: expect.stringContaining(message) }),
    )
  })

  test('expectations that say nothing are refused', async () => {
    const happened = givenEvents(OrderSummary, [placed])
    await expectMistake(happened.thenDocument('order-1', undefined as never), 'for none, write thenNoDocument(key)')
    await expectMistake(happened.thenDocument('', summary), 'thenDocument() takes the key')
    await expectMistake(happened.thenNoDocument(undefined as never), 'thenNoDocument() takes the key')
    await expectMistake(happened.thenDocuments(undefined as never), 'takes all documents by key')
    await expectMistake(happened.thenDocuments({ 'order-1': undefined as never }), 'takes all documents by key')
    await expectMistake(happened.thenError(undefined as never), 'thenError() needs to know the error')
    await expectMistake(
      happened.thenDocument('order-1', { ...summary, total: Number.NaN }),
      'compare it yourself: thenDocument(key, (doc) => …)',
    )
  })

  test('awaiting one without an expectation fails', async () => {
    const unfinished = [givenEvents(OrderSummary, [placed]), givenEvents(OrderSummary, []).when([placed])]
    for (const each of unfinished) {
      await expectMistake(Promise.resolve(each as unknown as Promise<void>), 'without an expectation')
      const { then } = each as unknown as { readonly then: () => Promise<void> }
      await expectMistake(then(), 'without an expectation')
    }
  })
})

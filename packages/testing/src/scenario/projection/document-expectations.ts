import { callSiteOf, placedAt, type CallSite } from '../call-site.js'
import type { ExpectedError } from '../expected-error.js'
import { expectationFailed, type Failure } from '../failure/expectation-failed.js'
import { listTypes } from '../failure/show-lines.js'
import type { Story } from '../failure/story.js'
import { ScenarioError } from '../scenario-error.js'
import { NotJsonError } from '../values/as-json.js'
import { awaited, withoutExpectation } from '../without-expectation.js'
import { judgeDocument, judgeDocuments, judgeDocumentsError, judgeNoDocument } from './judge-documents.js'
import type { StreamEvent } from './place-events.js'
import type { DocumentOf, ProjectionShape } from './projection-shape.js'
import { runProjection, type Projected, type WrittenProjection } from './run-projection.js'

/**
 * What may be expected of a projection. Each expectation is a promise, to be awaited; several may be held against the same
 * scenario, whose events are folded once, at the first of them.
 *
 * What is expected is compared as JSON, with the whole of a document: the order of properties, and those that are `undefined`,
 * make no difference.
 *
 * Each rejects with an `AssertionError` of `node:assert` when it does not hold, and with a {@link ScenarioError} when the
 * scenario cannot be.
 */
export interface DocumentExpectations<Projection extends ProjectionShape> {
  /** The whole document of a key; or a check of it, which throws, or answers `false`, for what it does not accept. */
  thenDocument(
    key: string,
    expected: DocumentOf<Projection> | ((doc: DocumentOf<Projection>) => unknown),
  ): Promise<void>
  /** None of this key: it never was, or was deleted. */
  thenNoDocument(key: string): Promise<void>
  /** These documents and no others, by key; none at all for `{}`. */
  thenDocuments(expected: Readonly<Record<string, DocumentOf<Projection>>>): Promise<void>
  /**
   * An error instead of documents: `ProjectionFailed`, whose `cause` is what a handler or the key threw, or what does not fit;
   * or the store's for an event that it would refuse. It is enough that one of the causes is the expected one.
   */
  thenError(expected: ExpectedError): Promise<void>
  /** Not the `then` of a promise: without an expectation there is nothing to await. */
  then(noPromise: never): never
}

type Judge = (outcome: Projected) => Failure | undefined | Promise<Failure | undefined>

/** The expectations of a scenario of which nothing has run yet; `site` is where its last part stands. */
export function documentExpectationsOf<Projection extends ProjectionShape>(
  scenario: WrittenProjection,
  site: CallSite,
): DocumentExpectations<Projection> {
  let outcome: Promise<Projected> | undefined
  const check = async (at: CallSite, judge: Judge): Promise<void> => {
    outcome ??= runProjection(scenario)
    const failure = await judged(await outcome, judge, at)
    if (failure !== undefined) throw expectationFailed(storyOf(scenario), failure, at)
  }
  const expectations = {
    thenDocument: (key: string, doc: unknown) =>
      check(callSiteOf(expectations.thenDocument), async (came) => {
        checkKey('thenDocument', key)
        checkDocument(doc)
        return judgeDocument(came, key, doc)
      }),
    thenNoDocument: (key: string) =>
      check(callSiteOf(expectations.thenNoDocument), (came) => {
        checkKey('thenNoDocument', key)
        return judgeNoDocument(came, key)
      }),
    thenDocuments: (docs: object) =>
      check(callSiteOf(expectations.thenDocuments), (came) => judgeDocuments(came, checkDocuments(docs))),
    thenError: (error: ExpectedError) =>
      check(callSiteOf(expectations.thenError), (came) => judgeDocumentsError(came, error)),
  }
  const value = (_: unknown, reject?: unknown) => withoutExpectation(reject, site, unfinished)
  return Object.defineProperty(expectations, awaited, { value }) as typeof expectations &
    Pick<DocumentExpectations<Projection>, 'then'>
}

const unfinished =
  'givenEvents(…) was awaited, or returned to be awaited, without an expectation. ' +
  'Write one after it: .thenDocument(key, …), .thenNoDocument(key), .thenDocuments({ … }) or .thenError(…).'

/** A mistake in an expectation is told with its line, too. */
async function judged(outcome: Projected, judge: Judge, site: CallSite): Promise<Failure | undefined> {
  try {
    return await judge(outcome)
  } catch (error) {
    if (error instanceof ScenarioError) throw placedAt(site, error)
    if (!(error instanceof NotJsonError)) throw error
    const remedy = 'compare it yourself: thenDocument(key, (doc) => …).'
    throw placedAt(site, new ScenarioError(`${error.message}; ${remedy}`, { cause: error }))
  }
}

function checkKey(method: string, key: unknown): void {
  if (typeof key === 'string' && key !== '') return
  throw new ScenarioError(`${method}() takes the key of a document, which is text and not empty.`)
}

function checkDocument(doc: unknown): void {
  if (typeof doc === 'function' || isObject(doc)) return
  throw new ScenarioError('thenDocument() takes a document, or a check of it; for none, write thenNoDocument(key).')
}

function checkDocuments(docs: unknown): object {
  if (isObject(docs) && Object.values(docs).every(isObject)) return docs
  throw new ScenarioError('thenDocuments() takes all documents by key: thenDocuments({ "order-1": { … } }).')
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function storyOf({ projection: { name }, given, more }: WrittenProjection): Story {
  const before = listEvents(given) || 'nothing'
  if (more === undefined) return { name, given: before }
  const times = more.times === 1 ? '' : `, handed over ${more.times} times`
  return { name, given: before, when: `${listEvents(more.events) || 'nothing'} happened${times}` }
}

function listEvents(events: WrittenProjection['given']): string {
  // A program without types may have put anything into the list.
  const named = (events as readonly (Partial<StreamEvent> | null | undefined)[]).map((event) => ({
    type: `${String(event?.type)} of ${JSON.stringify(event?.streamId)}`,
  }))
  return listTypes(named)
}

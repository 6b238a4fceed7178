import { RillflowError } from './rillflow-error.js'

/** What a caller may have expected: a version, or a word for a state. */
export type ExpectedState = number | 'noStream' | 'streamExists'

/**
 * Somebody else was faster: the stream or document is not at the version that the caller expected.
 *
 * `actual` is the version that it has, 0 when it does not exist. Load it again, decide again, save again.
 */
export class VersionConflictError extends RillflowError<'VersionConflict'> {
  readonly subject: 'stream' | 'document'
  /** The collection of a document; undefined for a stream. */
  readonly collection: string | undefined
  readonly id: string
  readonly expected: ExpectedState
  readonly actual: number

  constructor(options: {
    subject: 'stream' | 'document'
    collection?: string | undefined
    id: string
    expected: ExpectedState
    actual: number
  }) {
    const { subject, collection, id, expected, actual } = options
    const name =
      collection === undefined ? `${subject} ${quote(id)}` : `${subject} ${quote(id)} of ${quote(collection)}`
    super(
      `Version conflict on ${name}: expected ${describeExpected(expected)}, actual ${describeActual(actual)}. ` +
        'Load it again and repeat the decision on what is there now.',
      { code: 'VersionConflict' },
    )
    this.subject = subject
    this.collection = collection
    this.id = id
    this.expected = expected
    this.actual = actual
  }
}

function quote(text: string): string {
  return JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text)
}

function describeExpected(expected: ExpectedState): string {
  if (expected === 'noStream' || expected === 0) return 'that it does not exist'
  if (expected === 'streamExists') return 'that it exists'
  return `version ${expected}`
}

function describeActual(actual: number): string {
  return actual === 0 ? 'it does not exist' : `version ${actual}`
}

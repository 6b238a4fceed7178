import type { StandardSchemaV1 } from '@standard-schema/spec'
import { ValidationError, type ValidationIssue } from '../errors/usage-errors.js'

/**
 * Validates `value` by any Standard Schema and gives what the schema makes of it (defaults applied).
 *
 * @param what names the value in the error: `event OrderPlaced`, `document "c-1" of "customers"`.
 * @throws {@link ValidationError} with every issue and its path.
 */
export function validate<Schema extends StandardSchemaV1>(
  schema: Schema,
  value: unknown,
  what: string,
): StandardSchemaV1.InferOutput<Schema> | Promise<StandardSchemaV1.InferOutput<Schema>> {
  const result = schema['~standard'].validate(value)
  // Not `instanceof`: a promise of another realm or library would pass for a result without a value.
  return 'then' in result ? result.then((settled) => unwrap(settled, what)) : unwrap(result, what)
}

function unwrap<Output>(result: StandardSchemaV1.Result<Output>, what: string): Output {
  if (result.issues === undefined) return result.value
  const issues = result.issues.map(toIssue)
  const shown = issues.slice(0, 5).map((issue) => `${issue.path.join('.') || '(root)'}: ${issue.message}`)
  const more = issues.length > shown.length ? ` (and ${issues.length - shown.length} more)` : ''
  throw new ValidationError(`${what} does not fit its schema: ${shown.join('; ')}${more}.`, issues)
}

function toIssue(issue: StandardSchemaV1.Issue): ValidationIssue {
  const path = (issue.path ?? []).map((segment) => {
    const key = typeof segment === 'object' ? segment.key : segment
    return typeof key === 'number' ? key : String(key)
  })
  return { path, message: issue.message }
}

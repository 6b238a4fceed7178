import { describe, expect, test } from 'vitest'
import { databaseUrl, newDatabaseName, newRunId, templateName } from './database-names.js'

describe('names of databases', () => {
  test('fit PostgreSQL and need no quotes, whatever the template is called', () => {
    const run = newRunId()
    for (const name of [newDatabaseName(run), templateName(run, `"'; ${'é'.repeat(200)}`)]) {
      expect(name).toMatch(/^rillflow_test_[0-9a-f]{8}_[0-9a-z_]+$/)
      // A draft of a template has two letters more.
      expect(name.length).toBeLessThanOrEqual(61)
    }
  })

  test('tell templates and runs apart', () => {
    const names = [templateName('a', 'one'), templateName('a', 'two'), templateName('b', 'one')]
    expect(new Set(names).size).toBe(3)
    expect(templateName('a', 'one')).toBe(names[0])
  })

  test('go into the URL of the server and leave the rest of it alone', () => {
    expect(databaseUrl('postgresql://u:p@host:1/postgres?sslmode=disable', 'other')).toBe(
      'postgresql://u:p@host:1/other?sslmode=disable',
    )
  })
})

import { describe, expect, test } from 'vitest'
import { thrownBy } from '../../test/support/thrown-by.js'
import { moduleContract, type Module } from '../module/module.js'
import type { SchemaComponent } from '../module/schema-component.js'
import { checkModules, collectComponents } from './compose.js'

function moduleOf(...components: SchemaComponent[]): Module {
  const install = (): never => {
    throw new Error('not installed in these tests')
  }
  return { name: '@rillflow/notes', contract: moduleContract, components, install }
}

const reserved = [
  'clear',
  'close',
  'context',
  'pending',
  'saveChanges',
  'session',
  'setContext',
  'sql',
  'tenant',
  'then',
  'transaction',
  'withContext',
]

describe('checkModules', () => {
  test('takes modules under names of their own', () => {
    expect(() => checkModules({ notes: moduleOf(), docs: moduleOf() })).not.toThrow()
  })

  test.each(reserved)('refuses a module called %s', (key) => {
    const error = thrownBy(() => checkModules({ [key]: moduleOf() }))
    expect(error).toMatchObject({ code: 'InvalidConfig', message: expect.stringContaining(`called ${key}`) })
  })

  describe('a module that builds on another', () => {
    const summaries: Module = { ...moduleOf(), name: '@rillflow/summaries', requires: [{ name: '@rillflow/notes' }] }

    test('is taken in any order', () => {
      expect(() => checkModules({ summaries, notes: moduleOf() })).not.toThrow()
      expect(() => checkModules({ notes: moduleOf(), summaries })).not.toThrow()
    })

    test('is refused without it', () => {
      const error = thrownBy(() => checkModules({ summaries }))
      expect(error).toMatchObject({
        code: 'InvalidConfig',
        message: expect.stringMatching(
          /modules\.summaries .*builds on @rillflow\/notes, which this store does not have/,
        ),
      })
    })

    test('is refused beside two of them, for it could not know which is meant', () => {
      const error = thrownBy(() => checkModules({ one: moduleOf(), summaries, two: moduleOf() }))
      expect(error).toMatchObject({ code: 'InvalidConfig', message: expect.stringContaining('twice, as one and two') })
    })
  })

  test.each([moduleContract + 1, moduleContract - 1, undefined as unknown as number])(
    'refuses a module built against contract %s',
    (contract) => {
      const error = thrownBy(() => checkModules({ notes: { ...moduleOf(), contract } }))
      expect(error).toMatchObject({ code: 'ContractMismatch' })
      expect((error as Error).message).toContain(`modules.notes (@rillflow/notes)`)
    },
  )

  test.each([undefined, null, {}, 'events', () => moduleOf()])('refuses %s, which is not a module', (value) => {
    const error = thrownBy(() => checkModules({ notes: value as Module }))
    expect(error).toMatchObject({ code: 'InvalidConfig', message: expect.stringContaining('modules.notes') })
  })
})

describe('collectComponents', () => {
  const index = (name: string) => ({ name, definition: 'on :"schema".docs (id)', unique: false })
  const documents = (name: string): SchemaComponent => ({
    module: 'documents',
    migrations: [{ number: 1, name: 'docs', sql: 'create table' }],
    indexes: [index(name)],
  })

  test('counts a shared component once and joins its indexes', () => {
    const components = collectComponents({
      one: moduleOf(documents('a')),
      two: moduleOf(documents('b'), { module: 'events', migrations: [] }),
    })

    expect(components.map(({ module }) => module)).toEqual(['documents', 'events'])
    expect(components[0]?.migrations).toHaveLength(1)
    expect(components[0]?.indexes?.map(({ name }) => name)).toEqual(['a', 'b'])
  })
})

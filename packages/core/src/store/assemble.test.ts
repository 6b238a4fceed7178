import { describe, expect, test } from 'vitest'
import type { InstalledModule } from '../module/module.js'
import type { Siblings } from '../module/siblings.js'
import { assemble, type InstalledModules } from './assemble.js'

interface Api {
  readonly name: string
  readonly uses?: unknown
}

const notes = { name: '@rillflow/notes', installed: { service: 'ink' } as unknown as InstalledModule }
const summaries = { name: '@rillflow/summaries', installed: {} as unknown as InstalledModule }

/** Makes the APIs, and counts how often each module was asked. */
function made(modules: InstalledModules): { apis: Record<string, Api>; asked: string[] } {
  const asked: string[] = []
  const make = (module: InstalledModule, siblings: Siblings<'store'>): Api => {
    const isNotes = module === notes.installed
    asked.push(isNotes ? 'notes' : 'summaries')
    return isNotes ? { name: 'notes' } : { name: 'summaries', uses: siblings.find({ name: '@rillflow/notes' }) }
  }
  return { apis: Object.fromEntries(assemble(modules, make, (api) => api)), asked }
}

describe('assemble', () => {
  test.each([
    ['before', [['summaries', summaries] as const, ['notes', notes] as const]],
    ['after', [['notes', notes] as const, ['summaries', summaries] as const]],
  ])('a module %s the one that it builds on finds the API that the store has, and its service', (_, entries) => {
    const { apis, asked } = made(new Map(entries))
    const uses = apis['summaries']?.uses as { readonly api: unknown; readonly service: unknown }
    expect(uses.service).toBe('ink')
    expect(uses.api).toBe(apis['notes'])
    expect(asked.toSorted()).toEqual(['notes', 'summaries'])
    expect(Object.keys(apis)).toEqual(['notes', 'summaries'])
  })
})

import { mergeContexts, type Context } from '../context/context.js'
import { InvalidStateError } from '../errors/usage-errors.js'
import type { InstalledModule, SessionPart } from '../module/module.js'
import type { TransactionScope } from '../module/scope.js'
import type { Siblings } from '../module/siblings.js'
import { traced } from '../observability/channels.js'
import { assemble, type InstalledModules } from './assemble.js'
import { inCallersTransaction, inTransaction, storeScope, type ScopeSource } from './scopes.js'
import type { ModuleRecord, SaveOptions, Session } from './store.js'

/** Makes a session over the modules that stage work. */
export function makeSession<Modules extends ModuleRecord>(
  source: ScopeSource,
  modules: InstalledModules,
  initial: Context,
): Session<Modules> {
  let own = initial
  let saving = false
  // Read at each use: what is on the events is decided when the session is saved.
  const context = (): Context => mergeContexts(source.context(), own)
  const sessionSource = { ...source, context }
  const parts = makeParts(modules, sessionSource)

  async function saveChanges(options: SaveOptions = {}): Promise<object> {
    if (saving) throw new InvalidStateError('saveChanges is already under way on this session; await it first.')
    saving = true
    try {
      const saved = await save(sessionSource, parts, options)
      for (const part of parts.values()) part.committed()
      return saved
    } finally {
      saving = false
    }
  }

  const session = {
    get pending(): number {
      return sum([...parts.values()].map((part) => part.pending()))
    },
    get context(): Context {
      return context()
    },
    setContext: (more: Context): void => void (own = mergeContexts(own, more)),
    saveChanges,
    clear: (): void => {
      if (saving) throw new InvalidStateError('clear: saveChanges is under way on this session; await it first.')
      for (const part of parts.values()) part.clear()
    },
  }
  for (const [key, part] of parts) Object.defineProperty(session, key, { value: part.api, enumerable: true })
  // The mapped type is built key by key above; TypeScript cannot follow a loop.
  return session as unknown as Session<Modules>
}

type Parts = ReadonlyMap<string, SessionPart>

function makeParts(modules: InstalledModules, source: ScopeSource): Parts {
  const scope = storeScope(source)
  const make = (module: InstalledModule, siblings: Siblings<'session'>): SessionPart | undefined =>
    module.session?.(scope, siblings)
  const parts = assemble(modules, make, (part) => part?.api)
  return new Map([...parts].filter((each): each is [string, SessionPart] => each[1] !== undefined))
}

async function save(source: ScopeSource, parts: Parts, options: SaveOptions): Promise<object> {
  const count = sum([...parts.values()].map((part) => part.pending()))
  if (count === 0) return flushAll(parts, idleScope(source))
  const { schema, tenant } = await source.target()
  // Before a connection is taken: an invalid value must not cost one, and a slow schema must not hold one.
  for (const part of parts.values()) await part.prepare?.()
  const run = (scope: TransactionScope): Promise<object> => flushAll(parts, scope)
  return traced(
    'save',
    () => ({ operation: 'save', schema, tenant, correlationId: source.context().correlationId, count }),
    () =>
      options.client === undefined ? inTransaction(source, run) : inCallersTransaction(source, options.client, run),
  )
}

async function flushAll(parts: Parts, scope: TransactionScope): Promise<object> {
  // All at once, so that their statements leave together; one that fails makes the transaction roll back the others.
  const flushes = [...parts].map(async ([key, part]) => [key, await part.flush(scope)] as const)
  try {
    return Object.fromEntries(await Promise.all(flushes))
  } catch (error) {
    // The next attempt must not begin a flush while this one's is still under way.
    await Promise.allSettled(flushes)
    throw error
  }
}

/** For a session with nothing staged: flushing it sends nothing, and needs no transaction. */
function idleScope(source: ScopeSource): TransactionScope {
  const nothing = async (): Promise<never> => Promise.reject(new InvalidStateError('sql: nothing is staged.'))
  return { ...storeScope(source), sql: nothing, onCommit: () => undefined }
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0)
}

import { channels, type OperationContext } from '@rillflow/core'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { rejectionOf } from './support/thrown-by.js'
import { useNotes } from './support/use-notes.js'

const on = useNotes()

interface Heard {
  readonly event: string
  readonly context: OperationContext & { readonly error?: unknown }
}

const heard: Heard[] = []
const tell =
  (event: string) =>
  (context: unknown): void =>
    void heard.push({ event, context: { ...(context as Heard['context']) } })
const subscriber = {
  start: tell('start'),
  end: tell('end'),
  asyncStart: tell('asyncStart'),
  asyncEnd: tell('asyncEnd'),
  error: tell('error'),
}

afterEach(() => {
  channels.save.unsubscribe(subscriber)
  heard.length = 0
  vi.restoreAllMocks()
})

async function save(id: string, secret: string): Promise<void> {
  const session = on.store().session({ correlationId: 'c-1' })
  session.notes.add(id, secret)
  await session.saveChanges()
}

describe('the save channel', () => {
  test('tells the start and the end, with names and counts alone', async () => {
    channels.save.subscribe(subscriber)
    await save('a', 'canary')

    const context = { operation: 'save', schema: 'rillflow', tenant: undefined, correlationId: 'c-1', count: 1 }
    expect(heard[0]).toEqual({ event: 'start', context })
    expect(heard.at(-1)).toMatchObject({ event: 'asyncEnd', context })
    expect(JSON.stringify(heard)).not.toContain('canary')
  })

  test('tells a failure, with no payload in the context or in the message', async () => {
    await save('canary-id', 'x')
    channels.save.subscribe(subscriber)
    const error = await rejectionOf(save('canary-id', 'canary'))

    const told = heard.find(({ event }) => event === 'error')
    expect(told?.context.error).toBe(error)
    expect((error as Error).message).not.toContain('canary')
    expect(JSON.stringify({ ...told?.context, error: undefined })).not.toContain('canary')
  })

  test('tells nothing of a save with nothing staged', async () => {
    channels.save.subscribe(subscriber)
    await on.store().session().saveChanges()

    expect(heard).toEqual([])
  })
})

test('a store without a logger writes nothing', async () => {
  const written = [
    ...(['log', 'info', 'warn', 'error', 'debug'] as const).map((method) => vi.spyOn(console, method)),
    vi.spyOn(process.stdout, 'write'),
    vi.spyOn(process.stderr, 'write'),
  ]
  const store = on.store({ connection: { url: on.database.url, maxConnections: 1 } })
  await store.notes.add('a', '1')
  await rejectionOf(store.notes.add('a', '1'))
  await rejectionOf(store.notes.run('select pg_terminate_backend(pg_backend_pid())::text'))
  await store.close()

  for (const spy of written) expect(spy).not.toHaveBeenCalled()
})

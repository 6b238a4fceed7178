import os from 'node:os'

/** Where figures were made: without it they say nothing. */
export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly memoryGiB: number
  readonly system: string
  readonly node: string
  readonly postgres: string
  readonly settings: Readonly<Record<string, string>>
}

/** This machine, with the server it runs. */
export function describeMachine(server: Pick<Machine, 'settings'> & { readonly version: string }): Machine {
  const cpus = os.cpus()
  return {
    cpu: cpus[0]?.model.trim() || os.arch(),
    cores: cpus.length,
    memoryGiB: Math.round(os.totalmem() / 2 ** 30),
    system: `${os.type()} ${os.release()}`,
    node: process.version,
    postgres: server.version,
    settings: server.settings,
  }
}

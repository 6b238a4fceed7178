/** A peer's packages, at exact versions: the newest that run on Node 20. */
export interface Peer {
  /** The folder below `.peers`. */
  readonly name: string
  readonly packages: Readonly<Record<string, string>>
}

/** Every peer by name. Each gets a folder of its own, so that one that does not install takes none with it. */
export const peers = {
  emmett: {
    name: 'emmett',
    packages: {
      '@event-driven-io/emmett': '0.42.0',
      '@event-driven-io/emmett-postgresql': '0.42.0',
      '@event-driven-io/pongo': '0.16.11',
      pg: '8.23.1',
    },
  },
  act: {
    name: 'act',
    packages: { '@rotorsoft/act': '0.5.6', '@rotorsoft/act-pg': '0.4.6', pg: '8.23.1' },
  },
  postgresJs: { name: 'postgres-js', packages: { postgres: '3.4.9' } },
  copyStreams: { name: 'pg-copy-streams', packages: { 'pg-copy-streams': '7.0.0', pg: '8.23.1' } },
} as const satisfies Readonly<Record<string, Peer>>

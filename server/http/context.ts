// What the HTTP interface is given.
import type { OriginRule } from '../access/origin.ts';
import type { Alerts } from '../alerts/alerts.ts';
import type { Clock } from '../clock.ts';
import type { Exposition } from '../exposition/exposition.ts';
import type { FabricWatch } from '../fabric/watch.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { IncidentBook } from '../incidents/book.ts';
import type { JobTable } from '../jobs/job-table.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Raster } from '../ledger/raster.ts';
import type { Log } from '../log.ts';
import type { Store } from '../store/entries.ts';

export interface HttpContext {
  readonly fleet: Fleet;
  readonly fabrics: FabricWatch;
  readonly alerts: Alerts;
  readonly incidents: Pick<IncidentBook, 'all' | 'find'>;
  readonly jobs: JobTable;
  readonly ledger: Pick<Ledger, 'cells'>;
  readonly raster: Pick<Raster, 'read'>;
  readonly price: Price;
  readonly exposition: Exposition;
  readonly store: Pick<Store, 'query' | 'journalSinceMs' | 'state'>;
  readonly cluster: string;
  readonly clock: Clock;
  readonly origins: OriginRule;
  readonly readiness: () => Readiness;
  readonly webFolder: string;
  readonly log: Log;
}

/** List price of a GPU-hour; undefined where none is set. */
export interface Price {
  readonly perGpuHour: number | undefined;
  readonly currency: string;
}

export interface Readiness {
  readonly ready: boolean;
  /** Why not; empty when ready. */
  readonly reasons: readonly string[];
}

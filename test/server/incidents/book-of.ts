// The incidents of a simulated episode, as they stand some seconds into it.
import { makeEpisode } from '#agent/simulator';
import { stepsOf } from '../../../server/diagnosis/judge-episode.ts';
import { IncidentBook, type FindDevice } from '../../../server/incidents/book.ts';

export function bookOf(scenario: string, seed: number, untilS = Infinity, findDevice?: FindDevice): IncidentBook {
  const { nodes, jobs, seconds } = makeEpisode({ scenario, seed });
  const book = new IncidentBook(findDevice);
  for (const step of stepsOf({ nodes, jobs, seconds })) if (step.slot * 10 < untilS) book.take(step);
  return book;
}

// What could not be handled: kept with the reason, listed, retried or dropped by a person (design §4.7).

export type DeadLetter = {
  /** Where it came from: `webhook`, or a topic's name, or an output's. */
  readonly source: string;
  readonly partition: number;
  readonly offset: number;
  /** From a closed list: the metric's label and the log's field. */
  readonly reason: string;
  readonly message: string;
  readonly tries: number;
  /** Milliseconds. */
  readonly at: number;
  /** Event id, incident id, …; never personal data. */
  readonly subject: string | null;
};

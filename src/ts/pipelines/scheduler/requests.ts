/** A request's account: requests of one priority share what draws them evenly. */
export interface Account {
  readonly key: number;
  /** Its place among all requests, from 0. */
  readonly number: number;
  /** Pictures that have begun. */
  begun: number;
  /** Steps that its pictures have had, where they are taken here. */
  served: number;
  /** Pictures that are not over. */
  open: number;
}

/** The accounts of requests that have pictures which are not over. */
export class Requests {
  readonly #accounts = new Map<number, Account>();
  #opened = 0;

  /** @param request 0 or more, where a requester submits it in parts @param pictures that are added to it */
  open(request: number | undefined, pictures: number): Account {
    const number = this.#opened++;
    const key = request ?? -1 - number;
    const account = this.#accounts.get(key) ?? { key, number, begun: 0, served: 0, open: 0 };
    account.open += pictures;
    this.#accounts.set(key, account);
    return account;
  }

  /** A picture of an account is over; the last one closes it. */
  close(account: Account): void {
    if (--account.open === 0) this.#accounts.delete(account.key);
  }
}

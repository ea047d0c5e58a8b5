/** A request's account: requests share the workers evenly. */
export interface Account {
  readonly key: number;
  /** As workers know it. */
  readonly number: number;
  /** Pictures that workers have got. */
  begun: number;
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
    const account = this.#accounts.get(key) ?? { key, number, begun: 0, open: 0 };
    account.open += pictures;
    this.#accounts.set(key, account);
    return account;
  }

  /** A picture of an account is over; the last one closes it. */
  close(account: Account): void {
    if (--account.open === 0) this.#accounts.delete(account.key);
  }
}

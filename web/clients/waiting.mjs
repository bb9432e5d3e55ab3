// Waiting for what comes, each wait with a deadline. Nothing here waits for time to pass.

const deadline = 10_000;

// What `promise` gives; an error that names `what` when that takes too long.
export async function within(promise, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took more than ${deadline / 1000} s`)), deadline);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

// What a subscription says, kept until it is asked for. `open` gets this and gives what ends the
// subscription; without it the events come from elsewhere.
export class Events {
  #kept = [];
  #wake = () => {};
  #close;

  constructor(open = () => () => {}) {
    this.#close = open(this);
  }

  push(value) {
    this.#add(() => value);
  }

  fail(error) {
    this.#add(() => {
      throw error;
    });
  }

  end() {
    this.fail(new Error('it has ended'));
  }

  // The next value, in order; throws what the subscription failed with.
  async next(what = 'an event') {
    if (this.#kept.length === 0) await within(new Promise((wake) => (this.#wake = wake)), what);
    return this.#kept.shift()();
  }

  // Ends the subscription, as its client does.
  stop() {
    this.#close();
  }

  #add(give) {
    this.#kept.push(give);
    this.#wake();
  }
}

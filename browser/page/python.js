// The way to Python: messages to the worker and back.

export class Python {
  #worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
  #waiting = new Map();
  #sent = 0;

  // ``progress(done, text)`` is called while Python loads; the promise has the versions, or is rejected with a sentence.
  load(progress) {
    return new Promise((resolve, reject) => {
      this.#worker.onerror = (event) => reject(new Error(event.message || "the worker could not be started"));
      this.#worker.onmessage = ({ data }) => {
        if (data.progress) progress(...data.progress);
        else if (data.ready) resolve(data.ready);
        else if (data.failed) reject(new Error(data.failed));
        else this.#receive(data);
      };
    });
  }

  // Calls a method of the session; the promise has its result, or is rejected with the sentence of its error.
  call(...message) {
    return new Promise((resolve, reject) => {
      this.#waiting.set(++this.#sent, { resolve, reject });
      this.#worker.postMessage({ id: this.#sent, message: JSON.stringify(message) });
    });
  }

  #receive({ id, answer, broken }) {
    const { resolve, reject } = this.#waiting.get(id);
    this.#waiting.delete(id);
    const { result, error } = broken ? { error: broken } : JSON.parse(answer);
    if (error === undefined) resolve(result);
    else reject(new Error(error));
  }
}

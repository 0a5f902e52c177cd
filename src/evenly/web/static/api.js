// Asks the server; an answer that is none becomes a sentence.
export async function ask(path, question) {
  let response;
  try {
    response = await fetch(path, {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(question),
    });
  } catch {
    throw new Error("The server does not answer. Is evenly serve still running?");
  }
  const answer = await response.json().catch(() => null);
  if (!response.ok) throw new Error(answer?.error ?? `The server refused this (${response.status}).`);
  return answer;
}

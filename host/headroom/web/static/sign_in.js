// The dialog that takes a token, and who is signed in.

import { field, say, write } from "./dom.js";
import { person, signIn, signOut, watchSession } from "./session.js";

const dialog = document.querySelector('[data-dialog="sign-in"]');
const form = dialog.querySelector("form");
const button = document.querySelector('[data-action="session"]');

// `onSignIn()` is called once there is somebody.
export function startSignIn(onSignIn) {
  watchSession((session, ended) => {
    write(field(document, "person"), session ? `${session.name}, may ${session.role}` : "");
    write(button, session ? "Sign out" : "Sign in");
    if (ended) askToSignIn("Your session has ended.");
  });
  button.addEventListener("click", () => (person() ? signOut() : askToSignIn("")));
  form.addEventListener("submit", async (event) => {
    if (event.submitter?.value === "close") return;
    event.preventDefault();
    try {
      await signIn(form.token.value.trim());
    } catch (error) {
      say(field(dialog, "trouble"), error.message);
      return;
    }
    dialog.close();
    onSignIn();
  });
  dialog.addEventListener("close", () => form.reset());
}

export function askToSignIn(why) {
  write(field(dialog, "why"), why);
  say(field(dialog, "trouble"), "");
  if (!dialog.open) dialog.showModal();
}

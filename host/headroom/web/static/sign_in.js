// The dialog that takes a token, and who is signed in.

import { field, say, write } from "./dom.js";
import { person, signIn, signInByCode, signOut, watchSession } from "./session.js";

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
  button.addEventListener("click", () => (person() ? leave() : askToSignIn("")));
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

// A link that ends in #code=... or #token=... signs in by itself; whether it did. The address keeps
// neither.
export async function signInByLink() {
  const given = new URLSearchParams(location.hash.slice(1));
  const [code, token] = [given.get("code"), given.get("token")];
  if (!code && !token) return false;
  history.replaceState(null, "", location.pathname);
  try {
    await (code ? signInByCode(code) : signIn(token));
    return true;
  } catch (error) {
    askToSignIn(`The link does not sign in: ${error.message}`);
    return false;
  }
}

async function leave() {
  try {
    await signOut();
  } catch (error) {
    // A session that had ended already is told by the one who watches it.
    if (error.status !== 401) askToSignIn(`Not signed out: ${error.message}`);
  }
}

export function askToSignIn(why) {
  write(field(dialog, "why"), why);
  say(field(dialog, "trouble"), "");
  if (!dialog.open) dialog.showModal();
}

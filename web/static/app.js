// What the pages do beyond HTML. Without this script everything works by hand.
"use strict";

// The page that carries a message to the identity provider goes on by itself, and before it has finished loading: browsers
// then leave it out of the history, and "back" leads to where the person came from.
const carrier = document.querySelector("form[data-submit]");
if (carrier) HTMLFormElement.prototype.submit.call(carrier);

// A form is sent once, however often its button is pressed; coming back makes it usable again.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
});
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});

for (const button of document.querySelectorAll("button[data-copy]")) {
  if (!navigator.clipboard) continue;
  const text = button.textContent;
  let timer;
  button.hidden = false;
  button.setAttribute("aria-live", "polite");
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
    } catch {
      getSelection().selectAllChildren(document.getElementById(button.dataset.copy));
      return;
    }
    button.textContent = button.dataset.done;
    clearTimeout(timer);
    timer = setTimeout(() => { button.textContent = text; }, 2000);
  });
}
